"""A model that learns: truncated back-propagation through time over parallel streams, told as events.

The trainer prints nothing and opens no file. Its state at the last `Plan.snapshot_every` boundary is its `snapshot`,
from which another trainer goes on so exactly that the result is the same, bit for bit, as if nothing had happened in
between.
"""

# torch types numpy arrays and gradients as unknown.
# pyright: reportUnknownMemberType=false

from __future__ import annotations

import math
import time
from collections.abc import Callable, Generator, Iterator
from dataclasses import replace
from functools import reduce
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from nextchar.architecture import Ids, Parameters
from nextchar.batches import ParallelStreams, character_frequencies
from nextchar.errors import TrainingError
from nextchar.evaluation import bits_per_id, parallel_bits_per_id
from nextchar.events import Evaluated, Event, Progress, Recovered
from nextchar.lstm import LSTM, Dropout, TorchNetwork, initial_parameters
from nextchar.plan import Plan, evaluation_steps
from nextchar.randomness import random_stream
from nextchar.snapshot import Position, Snapshot
from nextchar.tensor_file import Arrays
from nextchar.workers import Workers

LOG2 = math.log(2)

DIVERGENCE = 1.0
"""Nats by which the mean loss between two snapshots may exceed the lowest before training counts as diverging."""
RECOVERIES = 8
"""Times a run may go back before it gives up; by then its learning rate is 1/256 of the plan's."""
VALIDATION_STREAMS = 16
WARM_UP = 256
"""Characters read before those scored, in each stream of the validations during training."""
PROGRESS_SECONDS = 0.2
LAST_RATE = 0.01
"""Learning rate at the end of the schedule, as a share of its peak."""


class Trainer:
    """One run of training, resumable."""

    def __init__(
        self,
        plan: Plan,
        vocabulary_size: int,
        training: Ids,
        validation: Ids,
        *,
        seed: int,
        evaluations: int = 1,
        device: torch.device | None = None,
        threads: int = 1,
        clock: Callable[[], float] = time.perf_counter,
        resume: Snapshot | None = None,
    ) -> None:
        """Prepare the run.

        Args:
            plan: every number that training follows.
            vocabulary_size: V.
            training: ids to learn from, shape (n,), n at least 2.
            validation: ids held out, shape (m,); where there are none, the last model is kept as the best.
            seed: of the initial weights, the order of the data and dropout.
            evaluations: how often the model is scored, evenly over the plan; never changes the weights.
            device: where to train; the CPU by default.
            threads: to compute with on the CPU.
            clock: seconds; read around training alone.
            resume: the snapshot of an earlier trainer with the same plan, text and seed.
        """
        self.plan = plan
        self.architecture = plan.architecture(vocabulary_size)
        self.device = device or torch.device("cpu")
        self._training, self._validation, self._clock = training, validation, clock
        self._start_id = int(training[-1])
        self._evaluate_at = frozenset(evaluation_steps(plan, evaluations))
        offset = int(random_stream(seed, "order").integers(len(training)))
        self._streams = ParallelStreams(training, plan.streams, plan.window, offset)
        frequencies = character_frequencies(training, vocabulary_size)
        weights = initial_parameters(self.architecture, random_stream(seed, "weights"), frequencies)
        self._module = LSTM(self.architecture, weights).to(self.device)
        self._weights = self._module.tensors()
        self._optimizer = _optimizer(self._weights, plan)
        self._workers = Workers(plan.shards, threads)
        self._parts = [_Part(self._module, plan, where, seed) for where in self._workers.parts(plan.streams)]
        self.position = Position()
        self.best = self._module.export_parameters()
        if resume is not None:
            self._return_to(resume)
        self.snapshot = resume or self._take_snapshot()

    @property
    def epoch(self) -> float:
        """Passes over the training text so far."""
        return self.position.step * self.plan.streams * self.plan.window / len(self._training)

    def close(self) -> None:
        """End the threads; nothing can be trained or scored any more."""
        self._workers.close()

    def parameters(self) -> Parameters:
        """Return a copy of the weights as they are now."""
        return self._module.export_parameters()

    def run(self) -> Iterator[Event]:
        """Train to the end of the plan, yielding `Progress`, `Evaluated` and `Recovered`.

        Whoever reads the events may stop at any of them; time the reader spends does not count as training.

        Raises:
            TrainingError: training diverged again and again; ``best`` is the best model before that.
        """
        while self.position.step < self.plan.steps:
            loss = yield from self._train_to_boundary()
            if not loss < self.position.lowest_loss + DIVERGENCE:
                yield self._recover(loss)
                continue
            self._move(lowest_loss=min(loss, self.position.lowest_loss))
            evaluated = self._evaluate() if self.position.step in self._evaluate_at else None
            self.snapshot = self._take_snapshot()  # before anybody is told, who may save it
            if evaluated is not None:
                yield evaluated

    def _train_to_boundary(self) -> Generator[Event, None, float]:
        """Make the updates up to the next snapshot; return their mean loss, in nats per character."""
        plan, position = self.plan, self.position
        end = min(plan.steps, (position.step // plan.snapshot_every + 1) * plan.snapshot_every)
        losses: list[Tensor] = []
        began = told = self._clock()
        told_steps = 0
        for step in range(position.step, end):
            losses.append(self._update(step))
            now = self._clock()
            if now - told > PROGRESS_SECONDS or step + 1 == end:
                bits = float(torch.stack(losses[told_steps:]).mean()) / LOG2  # waits for the device
                now = self._clock()
                self._move(step=step + 1, seconds=self.position.seconds + now - began)
                yield self._progress(bits, (len(losses) - told_steps) / max(now - told, 1e-9))
                began = told = self._clock()
                told_steps = len(losses)
        mean = float(torch.stack(losses).mean())
        self._move(loss_sum=self.position.loss_sum + mean * len(losses))
        return mean

    def _update(self, step: int) -> Tensor:
        """Make one update of the weights; return the loss before it, in nats per character."""
        for group in self._optimizer.param_groups:
            group["lr"] = self.learning_rate(step)
        inputs, targets = self._streams.batch(step)  # (T, B)
        computed = self._workers.map(lambda number: self._parts[number].gradients(inputs, targets))
        losses, gradients = zip(*computed, strict=True)
        for weight, parts in zip(self._weights.values(), zip(*gradients, strict=True), strict=True):
            weight.grad = reduce(torch.add, parts)
        torch.nn.utils.clip_grad_norm_(self._weights.values(), self.plan.clip)
        self._optimizer.step()
        return torch.stack(losses).sum()

    def learning_rate(self, step: int) -> float:
        """Return the learning rate of ``step``: linear warm-up, then half a cosine down to `LAST_RATE`."""
        plan = self.plan
        if step < plan.warm_up:
            share = (step + 1) / plan.warm_up
        else:
            fallen = 0.5 * (1 + math.cos(math.pi * (step - plan.warm_up) / (plan.steps - plan.warm_up)))
            share = LAST_RATE + (1 - LAST_RATE) * fallen
        return self.position.rate_scale * plan.learning_rate * share

    def _progress(self, bits: float, steps_per_second: float) -> Progress:
        done, plan = self.position, self.plan
        return Progress(
            step=done.step,
            steps=plan.steps,
            epoch=self.epoch,
            bits_per_character=bits,
            characters_per_second=steps_per_second * plan.streams * plan.window,
            seconds=done.seconds,
            seconds_left=done.seconds / done.step * (plan.steps - done.step),
        )

    def exact_bits_of_best(self) -> float | None:
        """Return bits per character of the best model, the state carried through the whole held-out text."""
        if not len(self._validation):
            return None
        module = LSTM(self.architecture, self.best).to(self.device)
        return bits_per_id(TorchNetwork(module), self._validation, self._start_id)

    def _evaluate(self) -> Evaluated:
        """Score the model on the held-out text and keep it if it is the best so far."""
        done = self.position
        bits = None
        if len(self._validation):
            network = TorchNetwork(self._module, self._workers)
            bits = parallel_bits_per_id(network, self._validation, self._start_id, VALIDATION_STREAMS, WARM_UP)
        best = bits is None or done.best_bits is None or bits < done.best_bits
        training_bits = done.loss_sum / max(1, done.step - done.evaluated_step) / LOG2
        if best:
            self.best = self._module.export_parameters()
            self._move(best_bits=bits, best_step=done.step)
        self._move(loss_sum=0.0, evaluated_step=done.step)
        return Evaluated(
            step=done.step,
            epoch=self.epoch,
            seconds=done.seconds,
            training_bits_per_character=training_bits,
            validation_bits_per_character=bits,
            learning_rate=self.learning_rate(done.step - 1),
            best=best,
        )

    def _recover(self, loss: float) -> Recovered:
        """Go back to the last snapshot with half the learning rate."""
        failed = self.position
        if failed.recoveries == RECOVERIES:
            raise TrainingError(
                f"Training diverged {RECOVERIES + 1} times, the last time at step {failed.step}, even with the "
                f"learning rate at {failed.rate_scale:.2g} of {self.plan.learning_rate:g}. The best model so far is "
                "kept; train anew with a lower --learning-rate."
            )
        self._return_to(self.snapshot)
        self._move(rate_scale=failed.rate_scale / 2, recoveries=failed.recoveries + 1, seconds=failed.seconds)
        self.snapshot = replace(self.snapshot, position=self.position)
        return Recovered(
            step=failed.step,
            back_to=self.position.step,
            bits_per_character=loss / LOG2,
            rate_scale=self.position.rate_scale,
        )

    def _move(self, **changes: Any) -> None:
        self.position = replace(self.position, **changes)

    def _take_snapshot(self) -> Snapshot:
        arrays: Arrays = {}
        for name, weight in self._weights.items():
            arrays[f"weights/{name}"] = _copy(weight)
            for key, value in self._optimizer.state[weight].items():
                arrays[f"optimizer/{name}/{key}"] = _copy(value)
        for number, part in enumerate(self._parts):
            arrays.update({f"part{number}/{name}": array for name, array in part.arrays().items()})
        arrays.update({f"best/{name}": array for name, array in self.best.items()})
        return Snapshot(self.position, arrays)

    def _return_to(self, snapshot: Snapshot) -> None:
        arrays = snapshot.arrays
        self.position = snapshot.position
        self._module.load_parameters({name: arrays[f"weights/{name}"] for name in self._weights})
        self.best = {name: arrays[f"best/{name}"].copy() for name in self._weights}
        self._optimizer.state.clear()
        for name, weight in self._weights.items():
            kept = _under(f"optimizer/{name}/", arrays)
            if kept:
                self._optimizer.state[weight] = {key: _to_device(array, self.device) for key, array in kept.items()}
        for number, part in enumerate(self._parts):
            part.load(_under(f"part{number}/", arrays))


class _Part:
    """Some of the streams of a batch, with the state they have come to and a random stream of their own."""

    def __init__(self, module: LSTM, plan: Plan, where: slice, seed: int) -> None:
        self._module, self._where = module, where
        self._share = (where.stop - where.start) / plan.streams
        self._device = module.output.weight.device
        self._generator = torch.Generator(self._device)
        self._generator.manual_seed(int(random_stream(seed, "dropout", where.start).integers(2**63)))
        self._dropout = Dropout(plan.input_dropout, plan.dropout, self._generator)
        self._state = module.initial_state(where.stop - where.start)

    def gradients(self, inputs: NDArray[np.int64], targets: NDArray[np.int64]) -> tuple[Tensor, tuple[Tensor, ...]]:
        """Return this part's share of the batch's mean loss, in nats, and its gradients, for the batch's (T, B)."""
        read, wanted = (_to_device(batch[:, self._where], self._device) for batch in (inputs, targets))  # (T, b)
        logits, state = self._module(read, self._state, self._dropout)  # (T, b, V)
        loss = functional.cross_entropy(logits.flatten(0, 1), wanted.flatten()) * self._share
        gradients = torch.autograd.grad(loss, list(self._module.tensors().values()))
        self._state = tuple((h.detach(), c.detach()) for h, c in state)
        return loss.detach(), gradients

    def arrays(self) -> Arrays:
        """Return the state and the random state."""
        arrays: Arrays = {"random": self._generator.get_state().numpy().copy()}
        for layer, (h, c) in enumerate(self._state):
            arrays[f"hidden/{layer}"], arrays[f"cell/{layer}"] = _copy(h), _copy(c)
        return arrays

    def load(self, arrays: Arrays) -> None:
        """Go back to what `arrays` returned."""
        self._generator.set_state(torch.from_numpy(arrays["random"].copy()))
        self._state = tuple(
            (_to_device(arrays[f"hidden/{layer}"], self._device), _to_device(arrays[f"cell/{layer}"], self._device))
            for layer in range(len(self._state))
        )


def _optimizer(weights: dict[str, Tensor], plan: Plan) -> torch.optim.Optimizer:
    """Return AdamW over ``weights``; biases do not decay.

    Source: Loshchilov and Hutter, "Decoupled weight decay regularization" (2019).
    """
    decayed = [weight for weight in weights.values() if weight.dim() > 1]
    others = [weight for weight in weights.values() if weight.dim() == 1]
    groups = [{"params": decayed, "weight_decay": plan.weight_decay}, {"params": others, "weight_decay": 0.0}]
    return torch.optim.AdamW(groups, lr=plan.learning_rate, betas=(0.9, 0.99), fused=True)


def _under(prefix: str, arrays: Arrays) -> Arrays:
    """Return the arrays whose names begin with ``prefix``, under the rest of their names."""
    return {name.removeprefix(prefix): array for name, array in arrays.items() if name.startswith(prefix)}


def _to_device(array: NDArray[Any], device: torch.device) -> Tensor:
    return torch.from_numpy(array.copy()).to(device)


def _copy(tensor: Tensor) -> NDArray[Any]:
    return tensor.detach().cpu().numpy().copy()


def measure_step(plan: Plan, vocabulary_size: int, device: torch.device, threads: int, seconds: float = 0.8) -> float:
    """Return the seconds that an update of ``plan`` takes on this machine now, measured for about ``seconds``."""
    ids = np.arange(plan.streams * plan.window * 2 + 2) % vocabulary_size
    # A rate of nearly nothing: what is measured is time, and no trial may diverge.
    trial = plan.model_copy(update={"steps": 1_000_000, "snapshot_every": 2, "learning_rate": 1e-12})
    trainer = Trainer(trial, vocabulary_size, ids, ids[:0], seed=0, device=device, threads=threads)
    steps: list[float] = []
    began = time.perf_counter()
    for event in trainer.run():
        if isinstance(event, Progress):
            steps.append(trainer.position.seconds)
        if len(steps) > 3 and time.perf_counter() - began > seconds:
            break
    trainer.close()
    # The first interval warms caches and kernels up; the median is not moved by a neighbour's burst.
    return float(np.median(np.diff(steps))) / trial.snapshot_every
