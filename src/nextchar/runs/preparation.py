"""Everything before training: find and encode the texts and choose a plan, or read a saved run."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, BinaryIO

from nextchar.errors import MissingDependencyError, RunFolderError, TextError
from nextchar.runs.duration import seconds_beside_training
from nextchar.runs.folder import RunFolder
from nextchar.runs.run_settings import MAX_EVALUATIONS, RunSettings
from nextchar.runs.training_text import corpus_of_run, encode, moved_text
from nextchar.settings import TextSettings, TrainingSettings
from nextchar.text import catalog
from nextchar.text.corpus import Corpus
from nextchar.text.files import TextFile
from nextchar.training.checkpoint import Checkpoint
from nextchar.training.dataset import Dataset
from nextchar.training.events import Event, Note, Planned, TextRead
from nextchar.training.feeding import Windows
from nextchar.training.plan import Budget, ChosenPlan, Plan
from nextchar.training.recipes import recipe_of

if TYPE_CHECKING:
    from nextchar.networks.torch_threads import Compute
    from nextchar.training.trainer import Trainer

SCORED = 250_000
"""Most held-out characters that a run scores; `nextchar evaluate` scores any number."""


@dataclass(frozen=True)
class Texts:
    """The texts to learn from."""

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
"""Yields events and returns the run."""


def prepare(
    texts: Texts,
    training: TrainingSettings,
    cache: Path,
    like: RunSettings | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> Preparation:
    """Read ``texts`` and choose a plan for them, or take the recipe, plan and threads of the run ``like``.

    Raises:
        TextError: a text cannot be used.
        TrainingError: the device is not available.
        MissingDependencyError: torch is not installed.
    """
    began = clock()
    if like is not None:
        training = training.model_copy(update={"recipe": like.training.recipe})
    recipe = recipe_of(training)
    text, training = recipe.complete(texts.settings, training)
    files, corpus = yield from _read(texts, text, training, cache)
    compute = choose_compute(training)
    device = compute.device
    if training.gpu_memory_fraction is not None and device.type != "cuda":
        yield Note(message=f"--gpu-memory-fraction has no effect: training is on {device.type}, not on a CUDA GPU.")
    chosen = ChosenPlan(_for_text(like.plan, corpus), None) if like else choose_plan(corpus, training, compute)
    settings = RunSettings(
        corpus=tuple(str(file.path.absolute()) for file in files),
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
    prepared = Prepared(settings, corpus, _make_trainer(settings, corpus, budget=chosen.budget))
    yield from (Note(message=message) for message in chosen.notes)
    if recipe.is_prompt_fixed:
        yield Note(message=f"Every sample continues {settings.prompt!r}.")
    yield _planned(prepared, chosen.expected_seconds, clock() - began)
    return prepared


def _read(
    texts: Texts, text: TextSettings, training: TrainingSettings, cache: Path
) -> Generator[Event, None, tuple[Sequence[TextFile], Corpus]]:
    """Find and encode ``texts``; yield events about them, and return their files and the corpus."""
    found = catalog.resolve(
        texts.names, encoding=text.encoding, errors=text.errors, stdin=texts.standard_input, cache=cache
    )
    yield from (Note(message=message) for message in found.notes)
    corpus = encode(found.files, text, training, cache)
    yield _text_read(corpus)
    return found.files, corpus


def _planned(prepared: Prepared, seconds: float | None, before: float) -> Planned:
    """Return the event of a chosen plan, with ``seconds`` of training expected, after the seconds ``before`` it."""
    settings = prepared.settings
    return Planned(
        plan=settings.plan,
        parameters=prepared.trainer.architecture.parameter_count,
        device=settings.device,
        seed=settings.training.seed,
        expected_seconds=seconds,
        expected_total_seconds=_total_seconds(prepared, seconds, before),
    )


def _total_seconds(prepared: Prepared, training: float | None, before: float) -> float | None:
    """Return the expected seconds of the whole run: ``before``, ``training``, and everything else."""
    if training is None:
        return None
    settings = prepared.settings
    return (
        before
        + training
        + seconds_beside_training(
            settings.plan,
            prepared.trainer.architecture,
            training,
            evaluations=settings.evaluations,
            held_out=len(dataset_of(prepared.corpus).validation),
            sample_length=settings.training.sample_length,
        )
    )


def resume(folder: RunFolder, cache: Path, moved: Sequence[str] = ()) -> Preparation:
    """Read the run in ``folder`` as it was last saved.

    Args:
        folder: the run folder.
        cache: folder of encoded texts.
        moved: where its texts are now, which is then recorded; empty if they are where the run recorded them.

    Raises:
        RunFolderError: there is no run, it is damaged, its text has changed, or ``moved`` is another text.
        TextError: its text is missing.
        TrainingError: the device that it was trained on is not available.
    """
    recorded, checkpoint = folder.settings(), folder.checkpoint()
    settings = moved_text(recorded, moved, cache) if moved else recorded
    corpus = corpus_of_run(settings, cache)
    try:
        if checkpoint is not None:  # before memory is allocated for what may be another network
            import_trainer().check_weights(checkpoint, settings.plan, corpus.vocabulary.size)
        trainer = _make_trainer(settings, corpus, checkpoint=checkpoint)
    except ValueError as error:
        raise RunFolderError(
            f"The state saved in {folder.path} is damaged, edited, or of another run or version of nextchar: {error}. "
            "The run cannot be resumed, but its model can still be used."
        ) from error
    prepared = Prepared(settings, corpus, trainer)
    if settings != recorded:
        folder.save_settings(settings)
    done = trainer.state
    folder.forget_after(done.step, done.recoveries)
    yield Note(message=f"Continuing at step {done.step:,} of {settings.plan.steps:,}.")
    return prepared


def choose_compute(training: TrainingSettings) -> Compute:
    """Return the device and the number of threads to compute with.

    Raises:
        TrainingError: the device is not available.
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
            "Writing and scoring work without it."
        ) from error
    return trainer


def dataset_of(corpus: Corpus, scored: int = SCORED) -> Dataset:
    """Return the ids of ``corpus`` that a run learns from and is scored on: all held-out ids, or at most ``scored`` of
    all texts. The first one is predicted from the id that starts any text, as in `nextchar evaluate`."""
    vocabulary = corpus.vocabulary
    return Dataset(corpus.training, corpus.held_out_excerpt(scored), vocabulary, vocabulary.start_id)


def choose_plan(corpus: Corpus, training: TrainingSettings, compute: Compute) -> ChosenPlan:
    """Return the plan for ``corpus``, for which this machine is timed."""
    trainer = import_trainer()
    return recipe_of(training).choose_plan(
        len(corpus.training),
        corpus.vocabulary.size,
        training,
        compute.threads if compute.device.type == "cpu" else 1,
        lambda plan: trainer.measure_step(plan, corpus.vocabulary, compute),
    )


def _for_text(plan: Plan, corpus: Corpus) -> Plan:
    """Return ``plan``, perhaps made for another text, with as many windows as this text has.

    Raises:
        TextError: the text is too short for a window.
    """
    feeding = plan.feeding.over(len(corpus.training))
    if isinstance(feeding, Windows) and feeding.count == 0:
        raise TextError(
            f"The text has {len(corpus.training):,} characters to learn from, but the plan reads windows of "
            f"{feeding.window}: give a longer text or another plan."
        )
    return plan.model_copy(update={"feeding": feeding})


def _evaluations(chosen: ChosenPlan) -> int:
    """Return how often a run is scored: after each pass over windows, otherwise so rarely that it takes a small share
    of the time."""
    epoch_steps = chosen.plan.feeding.epoch_steps
    if epoch_steps is not None:
        return min(MAX_EVALUATIONS, math.ceil(chosen.plan.steps / epoch_steps))
    seconds = chosen.expected_seconds
    return 8 if seconds is None else max(4, min(12, round(0.8 * math.sqrt(seconds))))


def _make_trainer(
    settings: RunSettings, corpus: Corpus, *, budget: Budget | None = None, checkpoint: Checkpoint | None = None
) -> Trainer:
    """Return a trainer for the run, at ``checkpoint`` or at the start."""
    import_trainer()
    from nextchar.networks.torch_threads import Compute, choose_device, limit_memory
    from nextchar.training.pace import Pace
    from nextchar.training.trainer import Trainer

    device, fraction = choose_device(settings.device), settings.training.gpu_memory_fraction
    if fraction is not None and device.type == "cuda":
        limit_memory(fraction, device)
    trainer = Trainer(
        settings.plan,
        dataset_of(corpus),
        seed=settings.training.seed,
        evaluations=settings.evaluations,
        compute=Compute(device, settings.threads),
        pace=Pace(budget),
    )
    if checkpoint is not None:
        try:
            trainer.restore(checkpoint)
        except ValueError:
            trainer.close()
            raise
    return trainer


def _text_read(corpus: Corpus) -> TextRead:
    of_figure = dataset_of(corpus).validation
    return TextRead(
        names=corpus.names,
        characters=corpus.characters,
        distinct=corpus.distinct,
        vocabulary_size=corpus.vocabulary.size,
        rare=corpus.rare,
        training_characters=len(corpus.training),
        validation_characters=len(of_figure),
        held_out_characters=len(corpus.validation),
        unknown_characters=corpus.count_unknown(of_figure),
        content_sha256=corpus.content_sha256,
    )
