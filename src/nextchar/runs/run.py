"""A whole run with its files: it turns texts into a run folder and a model, and yields events."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

from nextchar.errors import TrainingError
from nextchar.model import blending
from nextchar.model.held_out_lines import MAX_SCORED, line_quantiles
from nextchar.model.kept_text import KeptText
from nextchar.model.language_model import LanguageModel
from nextchar.model.line_quantiles import LineQuantiles
from nextchar.model.model_file import ModelFile
from nextchar.networks.architecture import Network
from nextchar.networks.blend import TextCounts
from nextchar.networks.engine import make_network
from nextchar.networks.word_counts import kinds_of
from nextchar.parallel import Executor, Threads, available_cores, process_rank
from nextchar.runs.folder import RunFolder
from nextchar.runs.origin import labels_in, provenance_of, versions
from nextchar.runs.preparation import prepare, resume
from nextchar.runs.samples import write_samples
from nextchar.runs.texts import Texts
from nextchar.runs.trainers import Preparation, Prepared, take_part
from nextchar.settings import TrainingSettings
from nextchar.training.checkpoint import Checkpoint
from nextchar.training.events import Evaluated, Event, Finished, Progress, Revised, Saved, Writing
from nextchar.training.plan import Plan


class Run:
    """A training run, new or resumed, which yields events."""

    def __init__(
        self, folder: RunFolder | None, prepare: Callable[[], Preparation], clock: Callable[[], float], *, is_new: bool
    ) -> None:
        """Use `Run.new` or `Run.resume`."""
        self.folder, self._is_new = folder, is_new
        self._preparation, self._clock = prepare, clock
        self._prepared: Prepared | None = None
        self._closed = False
        self._settled: Checkpoint | None = None
        self._saved_step = -1
        self._unlogged: list[Event] = []
        self._counts: TextCounts | None = None
        self._remembered: tuple[object, ModelFile] | None = None
        self._text: KeptText | None = None
        self._known_labels: tuple[str, ...] | None = None
        self._held_out_lines: LineQuantiles | None = None

    @classmethod
    def new(
        cls,
        folder: RunFolder | None,
        texts: Texts,
        training: TrainingSettings | None = None,
        *,
        like: RunFolder | None = None,
        cache: Path,
        clock: Callable[[], float] = time.monotonic,
    ) -> Run:
        """Return a new run; it reads and writes nothing before `events` is iterated.

        Of several processes that train together, process 0 does what is asked for here, and the others take part.

        Args:
            folder: the run folder to write; None writes nothing to disk.
            texts: the texts to learn from.
            training: the options of training; None means the defaults.
            like: another run, whose recipe and plan to use instead of choosing a plan.
            cache: folder of the encoded texts.
            clock: seconds, for the time between saves.
        """
        if process_rank() > 0:
            return cls.take_part(cache, clock)

        def preparation() -> Preparation:
            return prepare(texts, training or TrainingSettings(), cache, like.settings() if like else None)

        return cls(folder, preparation, clock, is_new=True)

    @classmethod
    def resume(
        cls,
        folder: RunFolder,
        *,
        moved: Sequence[str] = (),
        cache: Path,
        clock: Callable[[], float] = time.monotonic,
    ) -> Run:
        """Return the run in ``folder``, to continue from where it was saved.

        Args:
            folder: the run folder.
            moved: where the texts of the run are now; empty if they are where the run recorded them.
            cache: folder of the encoded texts.
            clock: seconds, for the time between saves.
        """
        if process_rank() > 0:
            return cls.take_part(cache, clock)
        return cls(folder, lambda: resume(folder, cache, moved), clock, is_new=False)

    @classmethod
    def take_part(cls, cache: Path, clock: Callable[[], float] = time.monotonic) -> Run:
        """Return the run of a process other than process 0: it computes its share of the updates, and writes nothing.

        Args:
            cache: folder of the encoded texts.
            clock: seconds.
        """
        return cls(None, lambda: take_part(cache), clock, is_new=True)

    def events(self, stop: Callable[[], bool] = lambda: False) -> Iterator[Event]:
        """Carry out the run and yield its events. When ``stop()`` becomes true, it saves everything and ends early.

        Raises:
            TextError: a text cannot be used.
            RunFolderError: the run folder cannot be used or written; what was saved before is intact.
            TrainingError: training diverged too many times; the best model before that is saved.
            MissingDependencyError: torch is not installed.
        """
        held: AbstractContextManager[None] = self.folder.lock(new=self._is_new) if self.folder else nullcontext()
        try:
            with held:
                yield from self._logged(self._prepare())
                if self._has_others or not stop():  # several processes agree on that
                    yield from self._logged(self._train(stop))
        finally:
            self._close()

    def _close(self) -> None:
        """End the threads of training."""
        self._closed = True
        if self._prepared is not None:
            self._prepared.trainer.close()

    @property
    def _has_others(self) -> bool:
        """Whether other processes train the same model."""
        return self._ready().trainer.processes.count > 1

    @property
    def has_begun(self) -> bool:
        """Whether the run has a model, trained or not."""
        return self._prepared is not None

    @property
    def model(self) -> LanguageModel:
        """The best model so far, or the present one if none has been scored yet."""
        prepared = self._ready()
        trainer, corpus, settings = prepared.trainer, prepared.corpus, prepared.settings
        state = trainer.state
        evaluated = state.best_step is not None
        provenance = provenance_of(corpus, settings, trainer.scored).model_copy(
            update={
                "labels": self._labels(),
                "plan": trainer.plan.model_dump(mode="json"),
                "step": state.best_step if evaluated else state.step,
                "training_seconds": state.seconds,
                "validation_bits_per_character": state.best_bits,
                "held_out_lines": self._held_out_lines,
                "versions": versions("nextchar", "torch", "numpy"),
            }
        )
        parameters = trainer.best if evaluated else trainer.parameters()
        file = self._with_memory(ModelFile(trainer.architecture, corpus.vocabulary, parameters, provenance))
        return LanguageModel(replace(file, text=self._kept_text()))

    def _labels(self) -> tuple[str, ...]:
        """Return the labels of a list that has them."""
        prepared = self._ready()
        if self._known_labels is None:
            self._known_labels = labels_in(prepared.corpus, prepared.settings)
        return self._known_labels

    def _kept_text(self) -> KeptText | None:
        """Return the training text for the model file, if the run asks for it."""
        prepared = self._ready()
        if self._text is None and prepared.settings.training.keep_text and prepared.trainer.processes.is_first:
            self._text = KeptText.of(prepared.corpus.source)
        return self._text

    def _with_memory(self, file: ModelFile) -> ModelFile:
        """Return ``file`` blended with counts of the text, if the run asks for a memory and holds out enough text."""
        if not self._remembers:
            return file
        provenance, trainer = file.provenance, self._ready().trainer
        scored = trainer.scored
        key = provenance.step, provenance.validation_bits_per_character, len(scored)
        if self._remembered is None or self._remembered[0] != key:  # the same weights are saved often
            threads, network = self._readers(file)
            self._remembered = key, blending.with_memory(file, self._counted(), scored, threads, network)
        blended = self._remembered[1]
        return replace(blended, provenance=blending.with_bits(provenance, blended.provenance))

    def _readers(self, file: ModelFile) -> tuple[Executor, Network[Any] | None]:
        """Return threads, and the network of ``file`` if it is one of torch, which reads twice as fast on the CPU."""
        trainer = self._ready().trainer
        # The threads of several processes compute together, and this one is alone here.
        if self._has_others or self._closed or not trainer.on_cpu:
            return Threads(available_cores()), None
        return trainer.threads, trainer.network(file.parameters)

    @property
    def _remembers(self) -> bool:
        """Whether the model has a memory."""
        trainer, training = self._ready().trainer, self._ready().settings.training
        # Of several processes, process 0 alone has use for it.
        return bool(training.memory) and len(trainer.scored) >= blending.MIN_HELD_OUT and trainer.processes.is_first

    def _counted(self) -> TextCounts:
        """Return the counts of the training text."""
        if self._counts is None:
            corpus = self._ready().corpus
            vocabulary = corpus.vocabulary
            self._counts = blending.remember(
                corpus.training,
                vocabulary.size,
                kinds=kinds_of(vocabulary.word_symbols),
                line_end=corpus.line_end,
                size=self._ready().settings.training.memory_size,
                executor=Threads(available_cores()),
            )
        return self._counts

    def save(self) -> None:
        """Write the last checkpoint whose events are all in the log, and the best model.

        Raises:
            RunFolderError: they cannot be written; what was saved before is intact.
        """
        checkpoint = self._settled or self._ready().trainer.checkpoint
        if self.folder is not None:
            self.folder.save_checkpoint(checkpoint)
            self.folder.save_model(self.model.file)
            self.folder.write_samples()
        self._saved_step = checkpoint.state.step

    def _prepare(self) -> Iterator[Event]:
        prepared = yield from self._preparation()
        if not self._is_new:
            self._saved_step = prepared.trainer.state.step
        elif self.folder is not None:
            first = None if prepared.settings.base is None else prepared.trainer.checkpoint
            self.folder.create(prepared.settings, self._unlogged, first)
            self._unlogged.clear()
        self._prepared, self._settled = prepared, prepared.trainer.checkpoint

    def _train(self, stop: Callable[[], bool]) -> Iterator[Event]:
        prepared = self._ready()
        trainer, save_every = prepared.trainer, prepared.settings.training.save_every
        saved_at = self._clock()
        try:
            for event in trainer.run(stop if self._has_others else lambda: False):
                if isinstance(event, Revised):
                    self._record_plan(trainer.plan)
                yield event
                if isinstance(event, Evaluated) and trainer.processes.is_first:
                    yield from self._samples()
                whole = not isinstance(event, Revised)  # more events of the same checkpoint may follow it
                if whole:
                    self._settled = trainer.checkpoint
                due = isinstance(event, Evaluated) or self._clock() - saved_at >= save_every
                if due and whole and trainer.checkpoint.state.step > self._saved_step:
                    self.save()
                    saved_at = self._clock()
                    yield Saved(step=self._saved_step)
                if stop() and not self._has_others:
                    break
        except (TrainingError, KeyboardInterrupt, GeneratorExit):
            self.save()
            raise
        before, self._held_out_lines = self._saved_step, self._score_lines()
        self.save()
        if self._saved_step > before:
            yield Saved(step=self._saved_step)
        reached = self.model.provenance
        yield Finished(
            step=trainer.state.step,
            seconds=trainer.state.seconds,
            best_step=trainer.state.best_step,
            validation_bits_per_character=reached.validation_bits_per_character,
            network_bits_per_character=reached.network_bits_per_character,
            base=reached.started_from,
            unknown_characters=prepared.corpus.count_unknown(trainer.scored),
            characters_per_line=prepared.corpus.characters_per_line(trainer.scored),
            characters_per_byte=prepared.corpus.characters_per_byte(trainer.scored),
            interrupted=trainer.state.step < trainer.plan.steps,
        )

    def _score_lines(self) -> LineQuantiles | None:
        """Return how many bits held-out lines cost the model, if the text is one of many lines."""
        prepared = self._ready()
        if not prepared.trainer.processes.is_first:
            return None
        model, most = self.model, MAX_SCORED // (prepared.trainer.architecture.context_length or 1)
        scored, threads = prepared.trainer.scored, Threads(available_cores())
        return line_quantiles(model.network_for(most), scored, model.vocabulary, threads, most=most)

    def _record_plan(self, plan: Plan) -> None:
        """Record ``plan``, which training follows from here on; it would have led to this point too."""
        prepared = self._ready()
        settings = prepared.settings.model_copy(update={"plan": plan})
        if self.folder is not None:
            self.folder.save_settings(settings)
        self._prepared = replace(prepared, settings=settings)

    def _samples(self) -> Iterator[Event]:
        """Write a sample at each temperature, from the same prompt and with the same random numbers."""
        prepared = self._ready()
        trainer, vocabulary, settings = prepared.trainer, prepared.corpus.vocabulary, prepared.settings
        compiled = self._remembers  # counting has loaded the loops
        network: Network[Any] = make_network(trainer.architecture, trainer.parameters(), compiled=compiled)
        if self._remembers:
            network = blending.blend_evenly(network, self._counted(), compiled=compiled)
        yield from write_samples(network, vocabulary, settings, step=trainer.state.step, epoch=trainer.epoch)

    def _logged(self, events: Iterator[Event]) -> Iterator[Event]:
        """Yield ``events``; all but `Progress` and `Writing` are logged first, or kept until the folder has a
        log."""
        for event in events:
            if self.folder is not None and not isinstance(event, Progress | Writing):
                self._unlogged.append(event)
                if self.folder.exists:
                    self.folder.append(self._unlogged)
                    self._unlogged.clear()
            yield event

    def _ready(self) -> Prepared:
        assert self._prepared is not None, "the run has not begun"
        return self._prepared
