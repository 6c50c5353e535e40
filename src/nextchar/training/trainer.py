"""The training loop, which yields events.

The trainer prints nothing and opens no file. Its state at the last `Plan.checkpoint_every` boundary is its
`checkpoint`: another trainer continues from it exactly, and the result is the same, bit for bit, as without the
interruption. Decisions at a boundary (has training diverged? is this the best model? does the number of updates fit
the time?) are made by objects of their own, from plain numbers.
"""

# torch types numpy arrays and gradients as unknown.
# pyright: reportUnknownMemberType=false

from __future__ import annotations

import math
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from nextchar.errors import TrainingError
from nextchar.model.calibration import at_temperature
from nextchar.networks.architecture import Ids, Network, Parameters
from nextchar.networks.torch_network import LSTM, make_torch_network
from nextchar.networks.torch_processes import Processes
from nextchar.networks.torch_threads import Compute, has_bfloat16
from nextchar.parallel import Executor
from nextchar.training.checkpoint import Checkpoint, TrainingState, check_arrays, kinds_of
from nextchar.training.dataset import Dataset
from nextchar.training.events import Evaluated, Event, Progress, Recovered, Revised
from nextchar.training.feeding import Windows
from nextchar.training.memory import training_bytes, usable_bytes
from nextchar.training.pace import Pace
from nextchar.training.plan import Plan
from nextchar.training.recovery import has_diverged, learned, recovered
from nextchar.training.schedule import Schedule
from nextchar.training.updates import WEIGHTS, Updates
from nextchar.training.validation import BestModel, Validation

LOG2 = math.log(2)

PROGRESS_SECONDS = 0.2


class Trainer:
    """A training run that can be resumed."""

    def __init__(
        self,
        plan: Plan,
        dataset: Dataset,
        *,
        seed: int,
        evaluations: int = 1,
        compute: Compute | None = None,
        pace: Pace | None = None,
        initial: Parameters | None = None,
    ) -> None:
        """Prepare the run.

        Args:
            plan: every number that training follows.
            dataset: the text to learn from, and the held-out text to score on.
            seed: for the initial weights, the order of the data and dropout.
            evaluations: the number of scorings, evenly over the plan; it never changes the weights.
            compute: the device and its threads; one thread of the CPU by default.
            pace: the clock, and the time that the plan should fill; by default the plan is not revised.
            initial: the weights to start from, which are scored and are the best model so far; by default they are
                random.

        Raises:
            TrainingError: the network is too large for the memory of this machine, or the machine does not support the
                precision of the plan.
            ValueError: the plan is for windows of another text.
        """
        self._dataset, self._evaluations = dataset, evaluations
        self._compute, self._pace = compute or Compute(), pace or Pace()
        _check_memory(plan, dataset.vocabulary.size, self._compute)
        if not computes(plan, self._compute):
            raise TrainingError(f"This processor does not support {plan.precision}: use --precision float32.")
        if isinstance(plan.feeding, Windows) and plan.feeding != plan.feeding.over(len(dataset.training)):
            raise ValueError(f"its plan has {plan.feeding.count} windows, but its text does not")
        with _enough_gpu_memory():
            self._updates = Updates(plan, dataset, seed, self._compute, initial=initial)
        self.architecture = self._updates.architecture
        self.state = TrainingState()
        self._adopt(plan)
        self._best = BestModel(self.parameters())
        if initial is not None:
            with _enough_gpu_memory():
                self._offer(self._validation.excerpts)
        self.checkpoint = self._take_checkpoint()

    @property
    def processes(self) -> Processes:
        """The processes that train together."""
        return self._compute.processes

    @property
    def epoch(self) -> float:
        """Passes over the training text so far."""
        return self.plan.epochs(self.state.step, len(self._dataset.training))

    @property
    def best(self) -> Parameters:
        """The weights of the best model so far."""
        return self._best.parameters

    @property
    def scored(self) -> Ids:
        """The held-out ids, shape (n,), that give the best model's bits: excerpts, or all at the end of the plan."""
        return self._validation.scored(self.state.step)

    def restore(self, checkpoint: Checkpoint) -> None:
        """Continue from the ``checkpoint`` of a trainer with the same plan, text and seed.

        Raises:
            ValueError: it belongs to another plan; the message says why.
        """
        checkpoint.check_step(self.plan.steps)
        check_arrays(checkpoint.arrays, kinds_of(self.checkpoint.arrays))
        self._return_to(checkpoint)
        self.checkpoint = checkpoint

    @property
    def threads(self) -> Executor:
        """The threads that train; they can also read with `network`, until `close`."""
        return self._updates.threads

    @property
    def on_cpu(self) -> bool:
        """Whether the processor trains, and not a GPU."""
        return self._compute.device.type == "cpu"

    def network(self, parameters: Parameters) -> Network[Any]:
        """Return a network with ``parameters``, on the device of training."""
        return make_torch_network(LSTM(self.architecture, parameters).to(self._compute.device))

    def close(self) -> None:
        """End the threads; afterwards the trainer can neither train nor score."""
        self._updates.threads.close()

    def parameters(self) -> Parameters:
        """Return a copy of the weights as they are now, at the temperature that the last evaluation found."""
        return at_temperature(self._updates.parameters(), self.state.temperature)

    def learning_rate(self, step: int) -> float:
        """Return the learning rate of ``step``, counted from 0."""
        return self.state.rate_scale * self._schedule.learning_rate(step)

    def run(self, stop: Callable[[], bool] = lambda: False) -> Iterator[Event]:
        """Train to the end of the plan, yielding `Progress`, `Evaluated`, `Recovered` and `Revised`.

        The caller may stop at any event; the time it spends between events does not count as training.
        Several processes that train together stop at a checkpoint, once ``stop()`` is true in one of them.

        Raises:
            TrainingError: training diverged too many times, or a GPU has too little memory; ``best`` is the best model
                before that.
        """
        with _enough_gpu_memory():
            yield from self._run(stop)

    def _run(self, stop: Callable[[], bool]) -> Iterator[Event]:
        while self.state.step < self.plan.steps and not any(self.processes.gather(stop())):
            loss = yield from self._train_to_boundary()
            failed = has_diverged(loss, self.state) or not self._updates.is_finite()
            if self.processes.broadcast(failed):
                yield self._recover(loss)
                continue
            self.state = learned(loss, self.state)
            revised = self._revise()
            evaluated = self._evaluate() if self._validation.is_due(self.state.step) else None
            self.checkpoint = self._take_checkpoint()  # before the events, after which a caller may save it
            yield from (event for event in (revised, evaluated) if event is not None)

    def _train_to_boundary(self) -> Generator[Event, None, float]:
        """Make the updates up to the next checkpoint; return their mean loss, in nats for each id."""
        first, pace = self.state.step, self._pace
        end = self.plan.boundary_after(first)
        losses: list[Tensor] = []
        shown = 0  # updates reported so far
        began = last_shown = pace.now()
        for step in range(first, end):
            losses.append(self._updates.update(step, self.learning_rate(step)))
            now = pace.now()
            if now - last_shown > PROGRESS_SECONDS or step + 1 == end:
                bits = self._in_bits(float(torch.stack(losses[shown:]).mean()))  # waits for the device
                now = pace.now()
                seconds = self.state.seconds + now - began
                if step + 1 == end:  # the clock of process 0 counts
                    seconds = self.processes.broadcast(seconds)
                self._move(step=step + 1, seconds=seconds)
                pace.warmed_up(self.state)
                yield self._progress(bits, (len(losses) - shown) / max(now - last_shown, 1e-9))
                began = last_shown = pace.now()
                shown = len(losses)
        mean = self._updates.agree(float(torch.stack(losses).mean()))
        self._move(loss_sum=self.state.loss_sum + mean * len(losses))
        return mean

    def _revise(self) -> Revised | None:
        """Fit the number of updates to the time budget, if that is due."""
        plan = self.plan
        steps = self.processes.broadcast(self._pace.fitting_steps(plan, self.state))
        if steps == plan.steps:
            return None
        self._adopt(plan.revised(self.state.step, steps))
        return Revised(step=self.state.step, planned_steps=plan.steps, steps=steps)

    def _adopt(self, plan: Plan) -> None:
        """Follow ``plan`` from here on; learning rates and scorings depend on it."""
        self.plan = plan
        self._schedule = Schedule(plan)
        self._validation = Validation(self._dataset, plan, self._evaluations)

    def _progress(self, bits: float, steps_per_second: float) -> Progress:
        state, plan = self.state, self.plan
        return Progress(
            step=state.step,
            steps=plan.steps,
            epoch=self.epoch,
            bits_per_character=bits,
            characters_per_second=steps_per_second * plan.feeding.predicted * self._dataset.characters_per_id,
            seconds=state.seconds,
            seconds_left=(self._pace.step_seconds or state.seconds / state.step) * (plan.steps - state.step),
        )

    def _evaluate(self) -> Evaluated:
        """Score the model on the held-out text and keep it if it is the best so far."""
        before, excerpts = self.state, self._validation.excerpts
        bits = self._offer(excerpts)
        if len(self.scored) > len(excerpts):  # the last evaluation
            self._move(best_bits=self._bits(self.best, self.scored))
        self._move(loss_sum=0.0, evaluated_step=before.step)
        return Evaluated(
            step=before.step,
            epoch=self.epoch,
            seconds=before.seconds,
            training_bits_per_character=self._in_bits(before.loss_sum / max(1, before.step - before.evaluated_step)),
            validation_bits_per_character=bits,
            scored_characters=self._dataset.count_characters(excerpts),
            learning_rate=self.learning_rate(before.step - 1),
            best=self.state.best_step == before.step,
        )

    def _offer(self, excerpts: Ids) -> float | None:
        """Calibrate the present weights, score them on ``excerpts``, and keep them if they are the best so far; return
        their bits per character."""
        if self.plan.calibrated:
            network = make_torch_network(self._updates.module)
            temperature = self._validation.temperature(network, self.threads)
            if temperature is not None:
                self._move(temperature=temperature)
        parameters = self.parameters()
        bits = self._bits(parameters, excerpts)
        self.state = self._best.offer(parameters, bits, self.state)
        return bits

    def _bits(self, parameters: Parameters, ids: Ids) -> float | None:
        """Return the bits per character of ``parameters`` on ``ids`` (n,); None if there are none."""
        if len(ids) == 0:
            return None
        return self._validation.bits(self.network(parameters), ids, self.threads)

    def _recover(self, loss: float) -> Recovered:
        """Go back to the last checkpoint with half the learning rate."""
        failed = self.state
        state = recovered(failed, self.checkpoint.state, self.plan, loss)
        self._return_to(self.checkpoint)
        self._pace.restart()
        self.state = state
        self.checkpoint = replace(self.checkpoint, state=state)
        return Recovered(
            step=failed.step,
            back_to=state.step,
            bits_per_character=self._in_bits(loss),
            rate_scale=state.rate_scale,
        )

    def _in_bits(self, loss: float) -> float:
        """Return ``loss``, in nats for each id, in bits per character."""
        return loss / LOG2 / self._dataset.characters_per_id

    def _move(self, **changes: Any) -> None:
        self.state = replace(self.state, **changes)

    def _take_checkpoint(self) -> Checkpoint:
        return Checkpoint(self.state, {**self._updates.arrays(), **self._best.arrays()})

    def _return_to(self, checkpoint: Checkpoint) -> None:
        self._updates.load(checkpoint.arrays)
        self._best.load(checkpoint.arrays)
        self.state = checkpoint.state


def check_weights(checkpoint: Checkpoint, plan: Plan, vocabulary_size: int) -> None:
    """Check that the step and the weights of ``checkpoint`` fit ``plan``, before a trainer allocates memory for what
    may be another network.

    Raises:
        ValueError: they do not; the message says why.
    """
    checkpoint.check_step(plan.steps)
    shapes = plan.architecture(vocabulary_size).parameter_shapes()
    for prefix in (WEIGHTS, BestModel.prefix):
        check_arrays(checkpoint.arrays, {name: ("float32", shape) for name, shape in shapes.items()}, prefix)


def computes(plan: Plan, compute: Compute) -> bool:
    """Return whether the device supports the precision of ``plan``."""
    return plan.precision == "float32" or has_bfloat16(compute.device)


def _check_memory(plan: Plan, vocabulary_size: int, compute: Compute) -> None:
    """Raise a `TrainingError` if training needs more memory than is available."""
    needed, usable = training_bytes(plan, vocabulary_size, on_cpu=compute.device.type == "cpu"), usable_bytes()
    if needed > usable:
        raise TrainingError(
            f"Training LSTM layers of {' + '.join(map(str, plan.hidden))} units on {plan.feeding.batch:,} × "
            f"{plan.feeding.window:,} characters at a time takes at least {needed / 1e9:,.1f} GB of memory, and only "
            f"{usable / 1e9:,.1f} GB are available: lower --hidden, --layers, --streams or --window."
        )


@contextmanager
def _enough_gpu_memory() -> Generator[None]:
    """Raise a `TrainingError` where a GPU has too little memory."""
    try:
        yield
    except torch.OutOfMemoryError as error:
        raise TrainingError(
            "The GPU has too little free memory: lower --hidden, --layers, --streams or --window."
        ) from error
