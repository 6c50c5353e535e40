"""The trainer of a run, in one process or in several.

Process 0 prepares a run and announces what all are to do: measure a plan, or begin. The others take part.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Literal

from nextchar.errors import MissingDependencyError, TrainingError
from nextchar.networks.architecture import Parameters
from nextchar.runs.run_settings import RunSettings, plan_of
from nextchar.runs.training_text import corpus_of_run
from nextchar.settings import TrainingSettings
from nextchar.text.corpus import Corpus
from nextchar.text.tokenizer import Tokenizer
from nextchar.training.checkpoint import Checkpoint
from nextchar.training.dataset import Dataset
from nextchar.training.events import Event
from nextchar.training.plan import Plan

if TYPE_CHECKING:
    from nextchar.networks.torch_processes import Processes
    from nextchar.networks.torch_threads import Compute
    from nextchar.training.trainer import Trainer

SCORED = 250_000
"""Held-out characters scored at most during a run; `nextchar evaluate` scores any number."""


@dataclass(frozen=True)
class Prepared:
    """A run that is ready to train."""

    settings: RunSettings
    corpus: Corpus
    trainer: Trainer


Preparation = Generator[Event, None, Prepared]
"""Yields what is found, and returns the run."""


@dataclass(frozen=True)
class _Trial:
    """What process 0 announces before it measures."""

    plan: Plan
    vocabulary: Tokenizer
    device: str
    threads: int
    what: Literal["step", "exchange"]

    def seconds(self, processes: Processes) -> float:
        """Return the seconds that an update, or an exchange, takes in all processes together."""
        from nextchar.networks.torch_threads import Compute, choose_device
        from nextchar.training.measurement import measure_exchange, measure_step

        measure = measure_step if self.what == "step" else measure_exchange
        return measure(self.plan, self.vocabulary, Compute(choose_device(self.device), self.threads, processes))


@dataclass(frozen=True)
class _Beginning:
    """What process 0 announces before it trains."""

    settings: RunSettings
    checkpoint: Checkpoint | None
    initial: Parameters | None


def import_trainer() -> ModuleType:
    """Return the module `nextchar.training.trainer`, which loads torch.

    Raises:
        MissingDependencyError: torch is not installed.
    """
    try:
        from nextchar.training import trainer
    except ModuleNotFoundError as error:
        if error.name != "torch":
            raise
        raise MissingDependencyError(
            'Training needs torch, which is not installed: pip install "nextchar[train]". '
            "Writing and scoring do not need it."
        ) from error
    return trainer


def choose_compute(training: TrainingSettings) -> Compute:
    """Return the device, the number of threads to compute with, and the processes that do.

    Raises:
        TrainingError: the device asked for is not there, or the other processes are not.
        MissingDependencyError: torch is not installed.
    """
    import_trainer()
    from nextchar.networks.torch_processes import join_processes
    from nextchar.networks.torch_threads import Compute, available_threads, choose_device

    processes = join_processes()
    threads = training.threads or available_threads(processes)
    return Compute(choose_device(training.device), threads * processes.count, processes)


def dataset_of(corpus: Corpus, scored: int = SCORED) -> Dataset:
    """Return what a run on ``corpus`` learns from and is scored on: all that is held out, or ``scored`` ids of all
    texts. The first of them is predicted from what any text begins after, as `nextchar evaluate` does."""
    vocabulary = corpus.vocabulary
    return Dataset(corpus.training, corpus.held_out_excerpt(scored), vocabulary, vocabulary.start_id)


def measure(plan: Plan, vocabulary: Tokenizer, compute: Compute, what: Literal["step", "exchange"] = "step") -> float:
    """Return the seconds that an update of ``plan``, or its exchange, takes in all processes together."""
    trial = _Trial(plan, vocabulary, compute.device.type, compute.threads, what)
    return compute.processes.broadcast(trial).seconds(compute.processes)


def make_trainer(
    settings: RunSettings,
    corpus: Corpus,
    processes: Processes,
    *,
    checkpoint: Checkpoint | None = None,
    initial: Parameters | None = None,
) -> Trainer:
    """Return a trainer for the run, at ``checkpoint``, or at its beginning, with random or ``initial`` weights.

    Raises:
        TrainingError: there are more processes than shards of a batch, or too little memory.
        ValueError: the checkpoint is of another run.
    """
    from nextchar.networks.torch_threads import Compute, choose_device, limit_memory
    from nextchar.training.pace import Pace
    from nextchar.training.trainer import Trainer

    plan = plan_of(settings)
    if processes.is_first:
        if plan.shards < processes.count:
            raise TrainingError(
                f"The plan divides a batch into {plan.shards} shards, which {processes.count} processes "
                f"cannot share: start {plan.shards} or fewer."
            )
        processes.broadcast(_Beginning(settings, checkpoint, initial))
    device, fraction = choose_device(settings.device), settings.training.gpu_memory_fraction
    if fraction is not None and device.type == "cuda":
        limit_memory(fraction, device)
    trainer = Trainer(
        plan,
        dataset_of(corpus),
        seed=settings.training.seed,
        evaluations=settings.evaluations,
        compute=Compute(device, settings.threads, processes),
        pace=Pace(settings.budget),
        initial=initial,
    )
    if checkpoint is not None:
        try:
            trainer.restore(checkpoint)
        except ValueError:
            trainer.close()
            raise
    return trainer


def take_part(cache: Path) -> Preparation:
    """Return the run that process 0 prepares, after measuring with it what it measures.

    Raises:
        TrainingError: process 0 has ended.
        TextError: the text is not where process 0 has it.
    """
    import_trainer()
    from nextchar.networks.torch_processes import join_processes

    processes = join_processes()
    while not isinstance(announced := processes.receive(), _Beginning):
        assert isinstance(announced, _Trial)
        announced.seconds(processes)
    settings = announced.settings
    corpus = corpus_of_run(settings, cache)
    try:
        made = make_trainer(settings, corpus, processes, checkpoint=announced.checkpoint, initial=announced.initial)
    except ValueError as error:
        raise TrainingError(f"The saved state cannot be used ({error}); process 0 says more.") from error
    yield from ()
    return Prepared(settings, corpus, made)
