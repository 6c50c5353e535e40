"""A model that learns, told as events.

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
from typing import Any

import numpy as np
import torch
from torch import Tensor

from nextchar.architecture import Ids, Parameters
from nextchar.batches import count_windows
from nextchar.calibration import at_temperature, fit_temperature
from nextchar.errors import TrainingError
from nextchar.evaluation import bits_per_id
from nextchar.events import Evaluated, Event, Progress, Recovered, Revised
from nextchar.lstm import LSTM, make_torch_network
from nextchar.plan import Budget, Plan, evaluation_steps, scored_at_once
from nextchar.snapshot import Position, Snapshot
from nextchar.updates import Updates
from nextchar.vocabulary import UNKNOWN_ID

LOG2 = math.log(2)

DIVERGENCE = 1.0
"""Nats by which the mean loss between two snapshots may exceed the lowest before training counts as diverging."""
RECOVERIES = 8
"""Times a run may go back before it gives up; by then its learning rate is 1/256 of the plan's."""
PROGRESS_SECONDS = 0.2
TIMED_SECONDS = 1.0
"""Training time that a plan's number of updates is revised by, at least."""
LAST_RATE = 0.01
"""Learning rate at the end of the schedule, as a share of its peak."""
EXCERPT = 2048
"""Ids in a piece of what is scored on the way. The first few of each are predicted from what is of another."""
BEST = "best/"
"""What the names of the best weights begin with in a snapshot."""


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
        unseen_bits: float = 0.0,
        start_id: int | None = None,
        budget: Budget | None = None,
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
            unseen_bits: what a character outside the vocabulary costs more than the unknown symbol.
            start_id: read before the first held-out id, which is predicted too; by default the last of ``training``.
            budget: time that the plan is to fill: once, at the end of the warm-up, its number of updates is revised.
            device: where to train; the CPU by default.
            threads: to compute with on the CPU.
            clock: seconds; read around training alone.
            resume: the snapshot of an earlier trainer with the same plan, text and seed.
        """
        self.device = device or torch.device("cpu")
        self._training, self._validation, self._clock = training, validation, clock
        self._start_id = int(training[-1]) if start_id is None else start_id
        self._evaluations, self._unseen_bits = evaluations, unseen_bits
        self._budget = budget
        self._timed_from: Position | None = None
        self._follow(plan)
        self._updates = Updates(plan, vocabulary_size, training, seed=seed, device=self.device, threads=threads)
        self.architecture = self._updates.architecture
        self.position = Position()
        self.best = self.parameters()
        if resume is not None:
            self._return_to(resume)
        self.snapshot = resume or self._take_snapshot()

    @property
    def epoch(self) -> float:
        """Passes over the training text so far."""
        return self.plan.epochs(self.position.step, len(self._training))

    @property
    def scored(self) -> Ids:
        """The held-out ids, shape (n,), that the best model's bits are of: excerpts, and all at the end of the plan."""
        return self._validation if self.position.step == self.plan.steps else self._excerpts

    def close(self) -> None:
        """End the threads; nothing can be trained or scored any more."""
        self._updates.workers.close()

    def parameters(self) -> Parameters:
        """Return a copy of the weights as they are now, at the temperature that the last evaluation found."""
        return at_temperature(self._updates.parameters(), self.position.temperature)

    def run(self) -> Iterator[Event]:
        """Train to the end of the plan, yielding `Progress`, `Evaluated`, `Recovered` and `Revised`.

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
            revised = self._revise()
            evaluated = self._evaluate() if self.position.step in self._evaluate_at else None
            self.snapshot = self._take_snapshot()  # before anybody is told, who may save it
            yield from (event for event in (revised, evaluated) if event is not None)

    def _train_to_boundary(self) -> Generator[Event, None, float]:
        """Make the updates up to the next snapshot; return their mean loss, in nats per character."""
        position = self.position
        end = self.plan.boundary_after(position.step)
        losses: list[Tensor] = []
        began = told = self._clock()
        told_steps = 0
        for step in range(position.step, end):
            losses.append(self._updates.update(step, self.learning_rate(step)))
            now = self._clock()
            if now - told > PROGRESS_SECONDS or step + 1 == end:
                bits = float(torch.stack(losses[told_steps:]).mean()) / LOG2  # waits for the device
                now = self._clock()
                self._move(step=step + 1, seconds=self.position.seconds + now - began)
                self._timed_from = self._timed_from or self.position  # the first updates are slower
                yield self._progress(bits, (len(losses) - told_steps) / max(now - told, 1e-9))
                began = told = self._clock()
                told_steps = len(losses)
        mean = float(torch.stack(losses).mean())
        self._move(loss_sum=self.position.loss_sum + mean * len(losses))
        return mean

    def _revise(self) -> Revised | None:
        """Fit the number of updates to the time, at the last snapshot of the warm-up."""
        begun, done, plan = self._timed_from, self.position, self.plan
        if self._budget is None or begun is None or plan.boundary_after(done.step) <= plan.warm_up:
            return None
        budget, self._budget = self._budget, None
        seconds = done.seconds - begun.seconds
        if seconds < TIMED_SECONDS or done.step > plan.warm_up or done.evaluated_step > 0:
            return None
        self._follow(budget.revise(plan, done.step, done.seconds, seconds / (done.step - begun.step)))
        if self.plan is plan:
            return None
        return Revised(step=done.step, planned_steps=plan.steps, steps=self.plan.steps)

    def _follow(self, plan: Plan) -> None:
        """Follow ``plan`` from here on: when the model is scored, and on how much, follows from it."""
        self.plan = plan
        self._evaluate_at = frozenset(evaluation_steps(plan, self._evaluations))
        count = scored_at_once(plan, self._evaluations, len(self._validation))
        self._excerpts = excerpts(self._validation, count)

    def learning_rate(self, step: int) -> float:
        """Return the learning rate of ``step``: linear warm-up, then half a cosine down to `LAST_RATE`, or constant."""
        plan = self.plan
        if step < plan.warm_up:
            share = (step + 1) / plan.warm_up
        elif plan.schedule == "constant":
            share = 1.0
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
            characters_per_second=steps_per_second * plan.predicted,
            seconds=done.seconds,
            seconds_left=done.seconds / done.step * (plan.steps - done.step),
        )

    def _evaluate(self) -> Evaluated:
        """Score the model on the held-out text and keep it if it is the best so far."""
        done = self.position
        if self.plan.calibrated and len(self._validation) > 1:
            network = make_torch_network(self._updates.module)
            temperature = fit_temperature(network, self._validation, self._updates.workers)
            self._move(temperature=temperature)
        parameters = self.parameters()
        bits = self._bits(parameters, self._excerpts)
        best = bits is None or done.best_bits is None or bits < done.best_bits
        training_bits = done.loss_sum / max(1, done.step - done.evaluated_step) / LOG2
        if best:
            self.best = parameters
            self._move(best_bits=bits, best_step=done.step)
        if len(self.scored) > len(self._excerpts):  # it was the last time
            self._move(best_bits=self._bits(self.best, self.scored))
        self._move(loss_sum=0.0, evaluated_step=done.step)
        return Evaluated(
            step=done.step,
            epoch=self.epoch,
            seconds=done.seconds,
            training_bits_per_character=training_bits,
            validation_bits_per_character=bits,
            scored_characters=len(self._excerpts),
            learning_rate=self.learning_rate(done.step - 1),
            best=best,
        )

    def _bits(self, parameters: Parameters, ids: Ids) -> float | None:
        """Return the bits per character on ``ids`` (m,); None where there are none."""
        if len(ids) == 0:
            return None
        network = make_torch_network(LSTM(self.architecture, parameters).to(self.device))
        unseen = self._unseen_bits * np.count_nonzero(ids == UNKNOWN_ID) / len(ids)
        return bits_per_id(network, ids, self._start_id, self._updates.workers) + unseen

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
        self._timed_from = None
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
        best = {f"{BEST}{name}": array for name, array in self.best.items()}
        return Snapshot(self.position, {**self._updates.arrays(), **best})

    def _return_to(self, snapshot: Snapshot) -> None:
        self._updates.load(snapshot.arrays)
        self.position = snapshot.position
        self.best = {name: snapshot.arrays[f"{BEST}{name}"].copy() for name in self.best}


def excerpts(ids: Ids, count: int) -> Ids:
    """Return ``count`` of ``ids``, or a few less, in pieces of `EXCERPT` from all over them; all where there are no
    more."""
    if len(ids) <= count:
        return ids
    pieces = max(1, count // EXCERPT)
    starts = np.linspace(0, len(ids) - EXCERPT, pieces).astype(int)
    return np.concatenate([ids[start : start + EXCERPT] for start in starts])


def measure_step(plan: Plan, vocabulary_size: int, device: torch.device, threads: int, seconds: float = 0.25) -> float:
    """Return the seconds that an update of ``plan`` takes on this machine now, measured for about ``seconds``."""
    ids = np.arange((plan.streams + 1) * plan.window * 2) % vocabulary_size
    windows = None if plan.stride is None else count_windows(len(ids), plan.window, plan.stride)
    # A rate of nearly nothing: what is measured is time, and no trial may diverge. First weights that take no time to
    # make, which the default ones do where there are thousands of characters.
    changes = {"steps": 1_000_000, "windows": windows, "snapshot_every": 2, "learning_rate": 1e-12}
    trial = plan.model_copy(update={**changes, "initial_weights": "keras"})
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
