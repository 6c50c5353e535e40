"""What comes before training: texts found and encoded, a plan chosen, or a run folder gone back to."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, BinaryIO

from nextchar import catalog
from nextchar.architecture import Ids
from nextchar.batches import count_windows
from nextchar.classic import as_classic, choose_classic_plan, seed_text_start
from nextchar.corpus import Corpus
from nextchar.duration import seconds_beside_training
from nextchar.errors import MissingDependencyError, RunFolderError, TextError
from nextchar.events import Event, Note, Planned, TextRead
from nextchar.plan import Budget, ChosenPlan, Plan, choose_plan
from nextchar.randomness import random_stream
from nextchar.run_folder import RunFolder
from nextchar.run_settings import MOST_EVALUATIONS, RunSettings
from nextchar.settings import TextSettings, TrainingSettings
from nextchar.training_text import corpus_of_run, encode, moved_text

if TYPE_CHECKING:
    from nextchar.snapshot import Snapshot
    from nextchar.trainer import Trainer
    from nextchar.workers import Device

SCORED = 250_000
"""Held-out characters scored at most during a run; `nextchar evaluate` scores any number."""
PROMPT = 40
"""Characters of the text that every sample of a run goes on from."""


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


def prepare(
    texts: Texts,
    training: TrainingSettings,
    cache: Path,
    like: RunSettings | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> Generator[Event, None, Prepared]:
    """Read ``texts`` and choose a plan for them, or take the plan and threads of the run ``like``; tell what is found.

    Raises:
        TextError: a text cannot be used.
        TrainingError: the device asked for is not there.
        MissingDependencyError: torch is not installed.
    """
    began = clock()
    text, training = as_classic(texts.settings, training)
    found = catalog.resolve(
        texts.names, encoding=text.encoding, errors=text.errors, stdin=texts.standard_input, cache=cache
    )
    yield from (Note(message=message) for message in found.notes)
    corpus = encode(found.files, text, training, cache)
    yield _text_read(corpus)
    device, threads = computing(training)
    if training.gpu_memory_fraction is not None and device.type != "cuda":
        yield Note(message=f"--gpu-memory-fraction has no effect: training is on {device.type}, not on a CUDA GPU.")
    if like is not None:
        threads = like.threads
    chosen = ChosenPlan(_for_text(like.plan, corpus), None) if like else choose(corpus, training, device, threads)
    settings = RunSettings(
        corpus=tuple(str(file.path.absolute()) for file in found.files),
        names=corpus.names,
        corpus_key=corpus.key,
        text=text,
        training=training,
        plan=chosen.plan,
        device=str(device),
        threads=threads,
        evaluations=training.evaluations or _evaluations(chosen),
        prompt=_prompt(corpus, chosen.plan, training),
    )
    prepared = Prepared(settings, corpus, _make_trainer(settings, corpus, None, chosen.budget))
    yield from (Note(message=message) for message in chosen.notes)
    if training.recipe == "classic":
        yield Note(message=f"Every sample goes on from {settings.prompt!r}.")
    yield Planned(
        plan=chosen.plan,
        parameters=prepared.trainer.architecture.parameter_count,
        device=str(device),
        seed=training.seed,
        expected_seconds=chosen.expected_seconds,
        expected_total_seconds=_total_seconds(prepared, chosen.expected_seconds, clock() - began),
    )
    return prepared


def _total_seconds(prepared: Prepared, training: float | None, before: float) -> float | None:
    """Return what the whole run will have taken: what went ``before``, the ``training`` expected, and all else."""
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
            held_out=len(scored(prepared.corpus)),
            sample_length=settings.training.sample_length,
        )
    )


def go_back(folder: RunFolder, cache: Path, moved: Sequence[str] = ()) -> Generator[Event, None, Prepared]:
    """Return the run in ``folder`` as it was last saved.

    Args:
        folder: of the run.
        cache: folder of encoded texts.
        moved: where its texts are now, which is then recorded; empty where they are as recorded.

    Raises:
        RunFolderError: there is no run, it is damaged, its text has changed, or ``moved`` is another text.
        TextError: its text is gone.
        TrainingError: the device that it was trained on is not there.
    """
    recorded, snapshot = folder.settings(), folder.snapshot()
    settings = moved_text(recorded, moved, cache) if moved else recorded
    corpus = corpus_of_run(settings, cache)
    try:
        trainer = _make_trainer(settings, corpus, snapshot)
    except ValueError as error:
        raise RunFolderError(
            f"The state saved in {folder.path} is damaged, edited, or of another run or version of nextchar: {error}. "
            "It cannot be resumed, but its model can still be used."
        ) from error
    prepared = Prepared(settings, corpus, trainer)
    if settings != recorded:
        folder.save_settings(settings)
    done = trainer.position
    folder.forget_after(done.step, done.recoveries)
    yield Note(message=f"Going on at step {done.step:,} of {settings.plan.steps:,}.")
    return prepared


def computing(training: TrainingSettings) -> tuple[Device, int]:
    """Return the device and the number of threads to compute with.

    Raises:
        TrainingError: the device asked for is not there.
        MissingDependencyError: torch is not installed.
    """
    import_trainer()
    from nextchar.workers import available_threads, choose_device

    return choose_device(training.device), training.threads or available_threads()


def import_trainer() -> ModuleType:
    """Return the module `nextchar.trainer`, which loads torch.

    Raises:
        MissingDependencyError: torch is not installed.
    """
    try:
        from nextchar import trainer
    except ModuleNotFoundError as error:
        if error.name != "torch":
            raise
        raise MissingDependencyError(
            'Training needs torch, which is not installed: pip install "nextchar[train]". '
            "Writing and scoring do without."
        ) from error
    return trainer


def scored(corpus: Corpus) -> Ids:
    """Return the held-out ids that a run is scored on, shape (m,): all of them, or `SCORED` of all texts."""
    return corpus.held_out_excerpt(SCORED)


def _prompt(corpus: Corpus, plan: Plan, training: TrainingSettings) -> str:
    """Return what every sample of the run goes on from."""
    if training.recipe == "default":
        return choose_prompt(corpus, training.seed)
    start = seed_text_start(corpus.characters, plan.window)
    return corpus.vocabulary.decode(corpus.ids[start : start + plan.window])


def choose_prompt(corpus: Corpus, seed: int) -> str:
    """Return the start of a line of the held-out text, at random, or of the training text where nothing is held out."""
    held_out = len(corpus.validation) > PROMPT
    ids = corpus.held_out_excerpt(1 << 16) if held_out else corpus.training[: 1 << 16]
    text = corpus.vocabulary.decode(ids).replace("\ufffd", "")
    lines = [line for line in text.split("\n") if len(line) >= PROMPT // 2] or [text.partition("\n")[2] or text]
    random = random_stream(seed, "evaluation")
    return lines[int(random.integers(len(lines)))][:PROMPT]


def choose(corpus: Corpus, training: TrainingSettings, device: Device, threads: int) -> ChosenPlan:
    """Return the plan for ``corpus`` by measuring this machine."""
    trainer, size = import_trainer(), corpus.vocabulary.size
    rule = choose_plan if training.recipe == "default" else choose_classic_plan
    return rule(
        len(corpus.training),
        size,
        training,
        threads if device.type == "cpu" else 1,
        lambda plan: trainer.measure_step(plan, size, device, threads),
    )


def _for_text(plan: Plan, corpus: Corpus) -> Plan:
    """Return ``plan``, made for another text perhaps, with as many windows as this one has.

    Raises:
        TextError: it is too short for one.
    """
    if plan.stride is None:
        return plan
    windows = count_windows(len(corpus.training), plan.window, plan.stride)
    if windows == 0:
        raise TextError(
            f"The text has {len(corpus.training):,} characters to learn from, and the plan reads windows of "
            f"{plan.window}: give a longer text, or another plan."
        )
    return plan.model_copy(update={"windows": windows})


def _evaluations(chosen: ChosenPlan) -> int:
    """Return how often a run is scored: after each pass over windows, else seldom enough to take a small share of its
    time."""
    if chosen.plan.epoch_steps is not None:
        return min(MOST_EVALUATIONS, math.ceil(chosen.plan.steps / chosen.plan.epoch_steps))
    seconds = chosen.expected_seconds
    return 8 if seconds is None else max(4, min(12, round(0.8 * math.sqrt(seconds))))


def _make_trainer(
    settings: RunSettings, corpus: Corpus, snapshot: Snapshot | None, budget: Budget | None = None
) -> Trainer:
    import_trainer()
    from nextchar.trainer import Trainer
    from nextchar.workers import choose_device, limit_memory

    device, fraction = choose_device(settings.device), settings.training.gpu_memory_fraction
    if fraction is not None and device.type == "cuda":
        limit_memory(fraction, device)
    return Trainer(
        settings.plan,
        corpus.vocabulary.size,
        corpus.training,
        scored(corpus),
        seed=settings.training.seed,
        evaluations=settings.evaluations,
        unseen_bits=-corpus.vocabulary.unseen_log2_probability,
        start_id=corpus.vocabulary.start_id,
        budget=budget,
        device=device,
        threads=settings.threads,
        resume=snapshot,
    )


def _text_read(corpus: Corpus) -> TextRead:
    of_figure = scored(corpus)
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
