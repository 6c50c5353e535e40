"""A run that counts its text and trains nothing; it needs no torch. `new_run` and `resume_run` choose between both."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

from nextchar.errors import RunFolderError, UsageError
from nextchar.model import blending
from nextchar.model.held_out_lines import line_quantiles
from nextchar.model.kept_text import KeptText
from nextchar.model.language_model import LanguageModel
from nextchar.model.model_file import ModelFile
from nextchar.model.scoring import Scorer, character_scores
from nextchar.model.spread import Spread
from nextchar.networks.kinds import ngram_content
from nextchar.parallel import Threads, available_cores, is_one_of_several
from nextchar.runs.folder import RunFolder
from nextchar.runs.origin import labels_in, provenance_of, versions
from nextchar.runs.run import Run
from nextchar.runs.run_settings import RunSettings
from nextchar.runs.samples import write_samples
from nextchar.runs.texts import Texts, events_of_text, find, notice_lists
from nextchar.runs.trainers import Preparation, dataset_of
from nextchar.runs.training_text import corpus_of_run, encode, moved_text
from nextchar.settings import TrainingSettings
from nextchar.text.corpus import Corpus
from nextchar.training.default_recipe import start_of_line
from nextchar.training.events import Counted, Event, Finished, Note, Saved
from nextchar.training.recipes import recipe_of


def new_run(
    folder: RunFolder | None,
    texts: Texts,
    training: TrainingSettings,
    *,
    like: RunFolder | None = None,
    cache: Path,
) -> Run:
    """Return the new run that ``training`` asks for; arguments as for `Run.new`.

    Raises:
        UsageError: the run only counts, and was started as one of several processes.
    """
    if recipe_of(training).has_plan:
        return Run.new(folder, texts, training, like=like, cache=cache)
    if is_one_of_several():
        raise UsageError("The counts recipe counts in one process: start it alone.")
    return CountingRun(folder, _Source(cache, texts=texts, training=training))


def resume_run(folder: RunFolder, *, moved: Sequence[str] = (), cache: Path) -> Run:
    """Return the run in ``folder``, to continue; one that counts counts again. Arguments as for `Run.resume`."""
    with suppress(RunFolderError):  # which the run reports
        if folder.settings().plan is None:
            return CountingRun(folder, _Source(cache, moved=moved))
    return Run.resume(folder, moved=moved, cache=cache)


@dataclass(frozen=True)
class _Source:
    """What a run counts: new texts, or, where there are none, those of the run in its folder."""

    cache: Path
    texts: Texts | None = None
    training: TrainingSettings = field(default_factory=TrainingSettings)
    moved: Sequence[str] = ()


class CountingRun(Run):
    """A run that counts its text and yields events, like any run."""

    def __init__(self, folder: RunFolder | None, source: _Source, clock: Callable[[], float] = time.monotonic) -> None:
        """Use `new_run` or `resume_run`."""
        super().__init__(folder, _no_trainer, clock, is_new=source.texts is not None)
        self._source = source
        self._content: tuple[RunSettings, Corpus] | None = None
        self._file: ModelFile | None = None

    @property
    def has_begun(self) -> bool:
        """Whether the run has a model."""
        return self._file is not None

    @property
    def model(self) -> LanguageModel:
        """The model."""
        assert self._file is not None, "nothing has been counted yet"
        return LanguageModel(self._file)

    def save(self) -> None:
        """Write the model and the samples.

        Raises:
            RunFolderError: they cannot be written.
        """
        if self.folder is not None and self._file is not None:
            self.folder.save_model(self._file)
            self.folder.write_samples()

    @property
    def _has_others(self) -> bool:
        return False

    def _close(self) -> None:
        pass

    def _prepare(self) -> Iterator[Event]:
        source, folder = self._source, self.folder
        if source.texts is None:
            assert folder is not None
            recorded = folder.settings()
            settings = moved_text(recorded, source.moved, source.cache) if source.moved else recorded
            self._content = settings, corpus_of_run(settings, source.cache)
            if settings != recorded:
                folder.save_settings(settings)
            folder.forget_after(-1)
            return
        recipe = recipe_of(source.training)
        text, training = recipe.complete(source.texts.settings, source.training)
        files = yield from find(source.texts, text, source.cache)
        text, noticed = notice_lists(files, text, training)
        yield from (Note(message=message) for message in noticed)
        corpus = encode(files, text, training, source.cache)
        yield from events_of_text(corpus)
        settings = RunSettings(
            corpus=tuple(file.place for file in files),
            names=corpus.names,
            corpus_key=corpus.key,
            text=text,
            training=training,
            plan=None,
            device="cpu",
            threads=available_cores(),
            evaluations=1,
            prompt=start_of_line(corpus, training.seed),
        )
        if folder is not None:
            folder.create(settings, self._unlogged)
            self._unlogged.clear()
        self._content = settings, corpus

    def _train(self, stop: Callable[[], bool]) -> Iterator[Event]:  # noqa: ARG002 (it takes about a second)
        assert self._content is not None
        settings, corpus = self._content
        size, executor, began = settings.training.memory_size, Threads(available_cores()), self._clock()
        counts = blending.remember(
            corpus.training, corpus.vocabulary.size, line_end=corpus.line_end, size=size, executor=executor
        ).ngrams
        seconds = self._clock() - began
        header, arrays = ngram_content(counts, corpus.line_end)
        yield Counted(
            characters=blending.most_counted(len(corpus.training), size),
            tokens=corpus.vocabulary.kind,
            ngrams=header.ngrams,
            order=header.order,
            seconds=seconds,
        )
        dataset = dataset_of(corpus)
        provenance = provenance_of(corpus, settings, dataset.validation).model_copy(
            update={
                "labels": labels_in(corpus, settings),
                "training_seconds": seconds,
                "versions": versions("nextchar", "numpy"),
            }
        )
        text = KeptText.of(corpus.source) if settings.training.keep_text else None
        self._file = ModelFile(header, corpus.vocabulary, arrays, provenance, text)
        network = self.model.compiled_network
        if len(dataset.validation):
            scorer = Scorer(network, dataset.first_read, executor)
            bits = -character_scores(scorer, dataset.validation, corpus.vocabulary)  # (T,)
            scores = {
                "validation_bits_per_character": float(bits.mean()),  # over the characters
                "held_out_lines": line_quantiles(network, dataset.validation, corpus.vocabulary, executor),
                "held_out_spread": Spread.of(bits),
            }
            provenance = provenance.model_copy(update=scores)
            self._file = replace(self._file, provenance=provenance)
        yield from write_samples(network, corpus.vocabulary, settings, step=0, epoch=1.0)
        self.save()
        yield Saved(step=0)
        yield Finished(
            step=0,
            seconds=seconds,
            best_step=None,
            validation_bits_per_character=provenance.validation_bits_per_character,
            unknown_characters=provenance.unknown_characters or 0,
            characters_per_line=corpus.characters_per_line(dataset.validation),
            characters_per_byte=corpus.characters_per_byte(dataset.validation),
            interrupted=False,
        )


def _no_trainer() -> Preparation:
    raise AssertionError("a run that counts prepares no trainer")
