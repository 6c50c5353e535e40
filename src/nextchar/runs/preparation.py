"""What comes before training: texts found and encoded, a plan chosen, or a saved run read back."""

from __future__ import annotations

import math
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, BinaryIO

from nextchar.errors import MissingDependencyError, RunFolderError
from nextchar.runs.folder import RunFolder, RunSettings
from nextchar.runs.training_text import corpus_of_run, encode
from nextchar.settings import TextSettings, TrainingSettings
from nextchar.text import catalog
from nextchar.text.corpus import Corpus
from nextchar.training.dataset import Dataset
from nextchar.training.events import Event, Note, Planned, TextRead
from nextchar.training.plan import Budget, ChosenPlan
from nextchar.training.recipes import recipe_of

if TYPE_CHECKING:
    from nextchar.networks.torch_threads import Compute
    from nextchar.training.trainer import Trainer

SCORED = 250_000
"""Held-out characters scored at most during a run; `nextchar evaluate` scores any number."""


@dataclass(frozen=True)
class Texts:
    """What to learn from."""

    names: tuple[str, ...]
    """Files, folders, catalogue names, or ``-`` for ``standard_input``."""
    settings: TextSettings
    standard_input: BinaryIO | None = None


@dataclass(frozen=True)
class Prepared:
    """A run that is ready to train."""

    settings: RunSettings
    corpus: Corpus
    trainer: Trainer


Preparation = Generator[Event, None, Prepared]
"""Yields what is found, and returns the run."""


def prepare(texts: Texts, training: TrainingSettings, cache: Path, like: RunSettings | None = None) -> Preparation:
    """Read ``texts`` and choose a plan for them, or take the recipe, plan and threads of the run ``like``; tell what is
    found.

    Raises:
        TextError: a text cannot be used.
        TrainingError: the device asked for is not there.
        MissingDependencyError: torch is not installed.
    """
    if like is not None:
        training = training.model_copy(update={"recipe": like.training.recipe})
    recipe = recipe_of(training)
    text, training = recipe.complete(texts.settings, training)
    found = catalog.resolve(texts.names, encoding=text.encoding, stdin=texts.standard_input, cache=cache)
    yield from (Note(message=message) for message in found.notes)
    corpus = encode(found.files, text, training, cache)
    yield _text_read(corpus)
    compute = choose_compute(training)
    device = compute.device
    if training.gpu_memory_fraction is not None and device.type != "cuda":
        yield Note(message=f"--gpu-memory-fraction has no effect: training is on {device.type}, not on a CUDA GPU.")
    chosen = ChosenPlan(like.plan, None) if like else choose_plan(corpus, training, compute)
    settings = RunSettings(
        corpus=tuple(str(file.path.absolute()) for file in found.files),
        names=corpus.names,
        corpus_key=corpus.key,
        text=text,
        training=training,
        plan=chosen.plan,
        device=str(device),
        threads=like.threads if like else compute.threads,
        evaluations=training.evaluations or _evaluations(chosen),
        prompt=recipe.choose_prompt(corpus, chosen.plan, training.seed),
    )
    prepared = Prepared(settings, corpus, _make_trainer(settings, corpus, chosen.budget))
    yield from (Note(message=message) for message in chosen.notes)
    if recipe.is_prompt_fixed:
        yield Note(message=f"Every sample goes on from {settings.prompt!r}.")
    yield Planned(
        plan=chosen.plan,
        parameters=prepared.trainer.architecture.parameter_count,
        device=str(device),
        seed=training.seed,
        expected_seconds=chosen.expected_seconds,
    )
    return prepared


def resume(folder: RunFolder, cache: Path) -> Preparation:
    """Return the run in ``folder`` as it was last saved.

    Raises:
        RunFolderError: there is no run, it is damaged, or its text has changed.
        TextError: its text is gone.
    """
    settings, checkpoint = folder.settings(), folder.checkpoint()
    corpus = corpus_of_run(settings, cache)
    trainer = _make_trainer(settings, corpus)
    try:
        if checkpoint is not None:
            trainer.restore(checkpoint)
    except (KeyError, RuntimeError) as error:  # an array is missing, or torch refuses its shape
        trainer.close()
        raise RunFolderError(
            f"The state saved in {folder.path} is of another run or version of nextchar ({error}); it cannot be "
            "resumed, but its model can still be used."
        ) from error
    step = trainer.state.step
    folder.forget_after(step)
    yield Note(message=f"Going on at step {step:,} of {settings.plan.steps:,}.")
    return Prepared(settings, corpus, trainer)


def choose_compute(training: TrainingSettings) -> Compute:
    """Return the device and the number of threads to compute with.

    Raises:
        TrainingError: the device asked for is not there.
        MissingDependencyError: torch is not installed.
    """
    import_trainer()
    from nextchar.networks.torch_threads import Compute, available_threads, choose_device

    return Compute(choose_device(training.device), training.threads or available_threads())


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
            "Writing and scoring do without."
        ) from error
    return trainer


def dataset_of(corpus: Corpus) -> Dataset:
    """Return what a run on ``corpus`` learns from and is scored on: all that is held out, up to `SCORED`."""
    return Dataset(corpus.training, corpus.validation[:SCORED], corpus.vocabulary)


def choose_plan(corpus: Corpus, training: TrainingSettings, compute: Compute) -> ChosenPlan:
    """Return the plan for ``corpus`` by measuring this machine."""
    trainer = import_trainer()
    return recipe_of(training).choose_plan(
        len(corpus.training),
        corpus.vocabulary.size,
        training,
        compute.threads if compute.device.type == "cpu" else 1,
        lambda plan: trainer.measure_step(plan, corpus.vocabulary, compute),
    )


def _evaluations(chosen: ChosenPlan) -> int:
    """Return how often a run is scored: after each pass over windows, else seldom enough to take a small share of its
    time."""
    epoch_steps = chosen.plan.feeding.epoch_steps
    if epoch_steps is not None:
        return math.ceil(chosen.plan.steps / epoch_steps)
    seconds = chosen.expected_seconds
    return 8 if seconds is None else max(4, min(12, round(0.8 * math.sqrt(seconds))))


def _make_trainer(settings: RunSettings, corpus: Corpus, budget: Budget | None = None) -> Trainer:
    import_trainer()
    from nextchar.networks.torch_threads import Compute, choose_device, limit_memory
    from nextchar.training.pace import Pace
    from nextchar.training.trainer import Trainer

    device, fraction = choose_device(settings.device), settings.training.gpu_memory_fraction
    if fraction is not None and device.type == "cuda":
        limit_memory(fraction, device)
    return Trainer(
        settings.plan,
        dataset_of(corpus),
        seed=settings.training.seed,
        evaluations=settings.evaluations,
        compute=Compute(device, settings.threads),
        pace=Pace(budget),
    )


def _text_read(corpus: Corpus) -> TextRead:
    return TextRead(
        names=corpus.names,
        characters=corpus.characters,
        distinct=corpus.distinct,
        vocabulary_size=corpus.vocabulary.size,
        rare=corpus.rare,
        training_characters=len(corpus.training),
        validation_characters=len(dataset_of(corpus).validation),
        content_sha256=corpus.content_sha256,
    )
