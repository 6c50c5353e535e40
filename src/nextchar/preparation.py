"""What comes before training: texts found and encoded, a plan chosen, or a run folder gone back to."""

from __future__ import annotations

import math
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, BinaryIO

from nextchar import catalog
from nextchar.architecture import Ids
from nextchar.classic import as_classic, choose_classic_plan, seed_text_start
from nextchar.corpus import Corpus
from nextchar.errors import MissingDependencyError, RunFolderError
from nextchar.events import Event, Note, Planned, TextRead
from nextchar.plan import Budget, ChosenPlan, Plan, choose_plan
from nextchar.randomness import random_stream
from nextchar.run_folder import RunFolder, RunSettings
from nextchar.settings import TextSettings, TrainingSettings
from nextchar.training_text import corpus_of_run, encode

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
    texts: Texts, training: TrainingSettings, cache: Path, like: RunSettings | None = None
) -> Generator[Event, None, Prepared]:
    """Read ``texts`` and choose a plan for them, or take the plan and threads of the run ``like``; tell what is found.

    Raises:
        TextError: a text cannot be used.
        TrainingError: the device asked for is not there.
        MissingDependencyError: torch is not installed.
    """
    text, training = as_classic(texts.settings, training)
    found = catalog.resolve(texts.names, encoding=text.encoding, stdin=texts.standard_input, cache=cache)
    yield from (Note(message=message) for message in found.notes)
    corpus = encode(found.files, text, training, cache)
    yield _text_read(corpus)
    device, threads = computing(training)
    if training.gpu_memory_fraction is not None and device.type != "cuda":
        yield Note(message=f"--gpu-memory-fraction has no effect: training is on {device.type}, not on a CUDA GPU.")
    if like is not None:
        threads = like.threads
    chosen = ChosenPlan(like.plan, None) if like else choose(corpus, training, device, threads)
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
    )
    return prepared


def go_back(folder: RunFolder, cache: Path) -> Generator[Event, None, Prepared]:
    """Return the run in ``folder`` as it was last saved.

    Raises:
        RunFolderError: there is no run, it is damaged, or its text has changed.
        TextError: its text is gone.
    """
    settings, snapshot = folder.settings(), folder.snapshot()
    corpus = corpus_of_run(settings, cache)
    try:
        trainer = _make_trainer(settings, corpus, snapshot)
    except (KeyError, RuntimeError) as error:  # an array is missing, or torch refuses its shape
        raise RunFolderError(
            f"The state saved in {folder.path} is of another run or version of nextchar ({error}); it cannot be "
            "resumed, but its model can still be used."
        ) from error
    prepared = Prepared(settings, corpus, trainer)
    step = prepared.trainer.position.step
    folder.forget_after(step)
    yield Note(message=f"Going on at step {step:,} of {settings.plan.steps:,}.")
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
    """Return the held-out ids that a run is scored on, shape (m,): all of them, up to `SCORED`."""
    return corpus.validation[:SCORED]


def _prompt(corpus: Corpus, plan: Plan, training: TrainingSettings) -> str:
    """Return what every sample of the run goes on from."""
    if training.recipe == "default":
        return choose_prompt(corpus, training.seed)
    start = seed_text_start(corpus.characters, plan.window)
    return corpus.vocabulary.decode(corpus.ids[start : start + plan.window])


def choose_prompt(corpus: Corpus, seed: int) -> str:
    """Return the start of a line of the held-out text, at random, or of the training text where nothing is held out."""
    ids = corpus.validation if len(corpus.validation) > PROMPT else corpus.training
    text = corpus.vocabulary.decode(ids[: 1 << 16]).replace("\ufffd", "")
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


def _evaluations(chosen: ChosenPlan) -> int:
    """Return how often a run is scored: after each pass over windows, else seldom enough to take a small share of its
    time."""
    if chosen.plan.epoch_steps is not None:
        return math.ceil(chosen.plan.steps / chosen.plan.epoch_steps)
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
    return TextRead(
        names=corpus.names,
        characters=corpus.characters,
        distinct=corpus.distinct,
        vocabulary_size=corpus.vocabulary.size,
        rare=corpus.rare,
        training_characters=len(corpus.training),
        validation_characters=len(scored(corpus)),
        content_sha256=corpus.content_sha256,
    )
