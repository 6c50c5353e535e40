"""A whole run with files: texts in, a run folder and a model out, told as events."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from importlib.metadata import version
from itertools import count, islice
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, BinaryIO

import numpy as np

from nextchar import catalog
from nextchar.corpus import Corpus, encode_corpus, open_corpus
from nextchar.engine import NumpyNetwork
from nextchar.errors import MissingDependencyError, RunFolderError, TextError, TrainingError
from nextchar.events import Evaluated, Event, Finished, Note, Planned, Progress, Sampled, Saved, TextRead
from nextchar.generation import generate_ids
from nextchar.language_model import LanguageModel
from nextchar.model_file import ModelFile, Provenance
from nextchar.plan import choose_plan
from nextchar.randomness import random_stream
from nextchar.run_folder import RunFolder, RunSettings
from nextchar.settings import SAMPLE_TEMPERATURES, SamplingSettings, TextSettings, TrainingSettings
from nextchar.vocabulary import UNKNOWN_ID

if TYPE_CHECKING:
    from nextchar.trainer import Trainer

SCORED = 1_000_000
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


class TrainingRun:
    """A run of training, new or resumed, told as events."""

    def __init__(
        self,
        folder: RunFolder | None,
        *,
        texts: Texts | None = None,
        training: TrainingSettings | None = None,
        cache: Path,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Prepare a run; nothing is read or written before `events` is asked for.

        Args:
            folder: where everything is kept; None keeps nothing on disk.
            texts: what to learn from; None resumes the run in ``folder``.
            training: how; None with ``texts`` is the default.
            cache: folder of the encoded texts.
            clock: seconds, for the time between saves.
        """
        self.folder = folder
        self._texts = texts
        self._training = training or TrainingSettings()
        self._cache, self._clock = cache, clock
        self._trainer: Trainer | None = None
        self._corpus: Corpus | None = None
        self._settings: RunSettings | None = None
        self._saved_step = -1
        self._unlogged: list[Event] = []
        self.exact_bits: float | None = None
        """Of the best model, once the run is over: the state carried through the whole of what was scored."""

    def events(self, stop: Callable[[], bool] = lambda: False) -> Iterator[Event]:
        """Do the run, yielding what happens; ends early, with everything saved, when ``stop()`` becomes true.

        Raises:
            TextError: a text cannot be used.
            RunFolderError: the run folder cannot be used or written; what was saved before is whole.
            TrainingError: training diverged for good; the best model before that is saved.
            MissingDependencyError: torch is not installed.
        """
        held: AbstractContextManager[None] = self.folder.lock() if self.folder else nullcontext()
        with held:
            prepare = self._begin() if self._texts else self._go_back()
            for event in self._logged(prepare):
                yield event
                if stop():
                    return
            yield from self._logged(self._train(stop))

    @property
    def has_begun(self) -> bool:
        """Whether there is a model, trained or not."""
        return self._trainer is not None

    @property
    def model(self) -> LanguageModel:
        """The best model so far, or where none was scored yet, the model as it is."""
        trainer, corpus, settings = self._ready()
        done = trainer.position
        scored = done.best_step is not None
        provenance = Provenance(
            corpus=corpus.names,
            corpus_sha256=corpus.content_sha256,
            characters=corpus.characters,
            training_characters=len(corpus.training),
            lowercase=settings.text.lowercase,
            recipe="default",
            plan=settings.plan.model_dump(mode="json"),
            seed=settings.training.seed,
            step=done.best_step if scored else done.step,
            training_seconds=done.seconds,
            validation_bits_per_character=self.exact_bits if self.exact_bits is not None else done.best_bits,
            validation_characters=min(len(corpus.validation), SCORED),
            versions={name: version(name) for name in ("nextchar", "torch", "numpy")},
        )
        parameters = trainer.best if scored else trainer.parameters()
        return LanguageModel(ModelFile(trainer.architecture, corpus.vocabulary, parameters, provenance))

    def save(self) -> None:
        """Write the state of the last snapshot and the best model.

        Raises:
            RunFolderError: they cannot be written; what was saved before is whole.
        """
        trainer, _, _ = self._ready()
        if self.folder is not None:
            self.folder.save_snapshot(trainer.snapshot)
            self.folder.save_model(self.model.file)
        self._saved_step = trainer.snapshot.position.step

    def _begin(self) -> Iterator[Event]:
        """Read the texts, choose the plan, make the folder."""
        assert self._texts is not None
        if self.folder is not None:
            self.folder.check_free()
        found = catalog.resolve(
            self._texts.names, encoding=self._texts.settings.encoding, stdin=self._texts.standard_input, cache=self._cache
        )
        yield from (Note(message=note) for note in found.notes)
        corpus = encode_corpus(found.files, self._texts.settings, cache_folder=self._cache)
        yield _text_read(corpus)
        trainer = import_trainer()
        device = trainer.choose_device(self._training.device)
        chosen = choose_plan(
            len(corpus.training),
            corpus.vocabulary.size,
            self._training,
            lambda plan: trainer.measure_step(plan, corpus.vocabulary.size, device),
        )
        self._settings = RunSettings(
            corpus=tuple(str(file.path.absolute()) for file in found.files),
            corpus_key=corpus.key,
            text=self._texts.settings,
            training=self._training,
            plan=chosen.plan,
            device=str(device),
            threads=trainer.threads(),
            prompt=choose_prompt(corpus, self._training.seed),
        )
        self._corpus = corpus
        self._trainer = self._make_trainer(None)
        if self.folder is not None:
            self.folder.create(self._settings)
        yield from (Note(message=note) for note in chosen.notes)
        yield Planned(
            plan=chosen.plan,
            parameters=self._trainer.architecture.parameter_count,
            device=str(device),
            seed=self._training.seed,
            expected_seconds=chosen.expected_seconds,
        )

    def _go_back(self) -> Iterator[Event]:
        """Go back to the last save of the run in the folder."""
        assert self.folder is not None
        settings = self._settings = self.folder.settings()
        self._training = settings.training
        snapshot = self.folder.snapshot()
        self._corpus = self._find_corpus(settings)
        trainer = import_trainer()
        if trainer.threads() != settings.threads:
            trainer.use_threads(settings.threads)
        self._trainer = self._make_trainer(snapshot)
        step = snapshot.position.step if snapshot else 0
        self._saved_step = step
        self.folder.forget_after(step)
        yield Note(message=f"Resuming {self.folder.path} at step {step:,} of {settings.plan.steps:,}.")

    def _find_corpus(self, settings: RunSettings) -> Corpus:
        """Return the encoded corpus of the run, encoded anew if it is gone from the cache."""
        try:
            return open_corpus(settings.corpus_key, self._cache)
        except TextError:
            found = catalog.resolve(settings.corpus, encoding=settings.text.encoding, stdin=None, cache=self._cache)
            corpus = encode_corpus(found.files, settings.text, cache_folder=self._cache)
        if corpus.key != settings.corpus_key:
            raise RunFolderError(
                f"The text has changed since this run began ({', '.join(corpus.names)}), so it cannot go on exactly. "
                "Put the old text back, or train anew."
            )
        return corpus

    def _make_trainer(self, snapshot: object) -> Trainer:
        trainer, corpus, settings = import_trainer(), self._corpus, self._settings
        assert corpus is not None
        assert settings is not None
        return trainer.Trainer(
            settings.plan,
            corpus.vocabulary.size,
            corpus.training,
            corpus.validation[:SCORED],
            seed=settings.training.seed,
            evaluations=settings.training.evaluations,
            device=trainer.choose_device(settings.device),
            resume=snapshot,
        )

    def _train(self, stop: Callable[[], bool]) -> Iterator[Event]:
        trainer, corpus, settings = self._ready()
        saved_at, interrupted = self._clock(), False
        try:
            for event in trainer.run():
                yield event
                if isinstance(event, Evaluated):
                    yield from self._samples()
                due = isinstance(event, Evaluated) or self._clock() - saved_at >= settings.training.save_every
                if due and trainer.snapshot.position.step > self._saved_step:
                    self.save()
                    saved_at = self._clock()
                    yield Saved(step=self._saved_step)
                if stop():
                    interrupted = True
                    break
        except (TrainingError, KeyboardInterrupt, GeneratorExit):
            self.save()
            raise
        if not interrupted:
            self.exact_bits = trainer.exact_bits_of_best()
        self.save()
        yield Saved(step=self._saved_step)
        yield Finished(
            step=trainer.position.step,
            seconds=trainer.position.seconds,
            best_step=trainer.position.best_step,
            validation_bits_per_character=self.model.provenance.validation_bits_per_character,
            interrupted=interrupted,
        )

    def _samples(self) -> Iterator[Event]:
        """Let the model write on from the same prompt, with the same draws, at each temperature."""
        trainer, corpus, settings = self._ready()
        network = NumpyNetwork(trainer.architecture, trainer.parameters())
        vocabulary = corpus.vocabulary
        forbidden = (UNKNOWN_ID,) if vocabulary.has_unknown else ()
        for temperature in SAMPLE_TEMPERATURES:
            ids = generate_ids(
                network,
                vocabulary.encode(settings.prompt),
                SamplingSettings(temperature=temperature),
                random_stream(settings.training.seed, "sampling"),
                forbidden,
            )
            yield Sampled(
                step=trainer.position.step,
                epoch=trainer.epoch,
                temperature=temperature,
                prompt=settings.prompt,
                text=vocabulary.decode(list(islice(ids, settings.training.sample_length))),
            )

    def _logged(self, events: Iterator[Event]) -> Iterator[Event]:
        """Yield ``events``, each but `Progress` once it stands in the log, or waits for the folder to have one."""
        for event in events:
            if self.folder is not None and not isinstance(event, Progress):
                self._unlogged.append(event)
                if self.folder.exists:
                    self.folder.append(self._unlogged)
                    self._unlogged.clear()
            yield event

    def _ready(self) -> tuple[Trainer, Corpus, RunSettings]:
        assert self._trainer is not None, "the run has not begun"
        assert self._corpus is not None
        assert self._settings is not None
        return self._trainer, self._corpus, self._settings


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
            'Training needs torch, which is not installed: pip install "nextchar[train]". Writing and scoring do without.'
        ) from error
    return trainer


def free_folder(parent: Path, corpus: Sequence[str]) -> Path:
    """Return a folder in ``parent``, named after the first text, in which no run has begun: mybook, mybook-2, ..."""
    name = Path(corpus[0]).name.split(".")[0] if corpus[0] != "-" else "standard-input"
    numbered = (parent / (name if number == 1 else f"{name}-{number}") for number in count(1))
    return next(path for path in numbered if not RunFolder(path).exists)


def choose_prompt(corpus: Corpus, seed: int) -> str:
    """Return the start of a line of the held-out text (or of the training text where nothing is held out), at random."""
    ids = corpus.validation if len(corpus.validation) > PROMPT else corpus.training
    text = corpus.vocabulary.decode(ids[: 1 << 16]).replace("\ufffd", "")
    lines = [line for line in text.split("\n") if len(line) >= PROMPT // 2] or [text]
    random = random_stream(seed, "evaluation")
    return lines[int(random.integers(len(lines)))][:PROMPT]


def _text_read(corpus: Corpus) -> TextRead:
    return TextRead(
        names=corpus.names,
        characters=corpus.characters,
        distinct=corpus.distinct,
        vocabulary_size=corpus.vocabulary.size,
        rare=corpus.rare,
        training_characters=len(corpus.training),
        validation_characters=min(len(corpus.validation), SCORED),
        content_sha256=corpus.content_sha256,
    )
