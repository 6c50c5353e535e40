"""A model from its file: its tokens, its networks, and its training text."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from os import PathLike
from pathlib import Path
from typing import Any, Self

from nextchar.errors import ModelFileError, UsageError
from nextchar.model.copying import CopyIndex
from nextchar.model.description import as_html, summarise
from nextchar.model.kept_text import MAX_KEPT
from nextchar.model.known_entries import KnownEntries
from nextchar.model.model_file import ModelFile
from nextchar.model.model_path import find_model
from nextchar.model.provenance import Provenance
from nextchar.networks.architecture import Network
from nextchar.networks.kinds import kind_of
from nextchar.settings import MIN_RUN, Weights
from nextchar.text.decoding import BYTES
from nextchar.text.documents import CopiedRun, SourceText
from nextchar.text.tokenizer import Tokenizer
from nextchar.text.word_tokenizer import whole_words

LOADING = 0.6
"""Seconds of work in NumPy from which loading the compiled loops pays."""


@dataclass(frozen=True, eq=False, repr=False)
class LoadedModel:
    """What a model file holds: tokens, networks and the training text.

    `nextchar.model.language_model.LanguageModel` adds writing and scoring.
    """

    file: ModelFile
    carry_state: bool = False
    """Whether a model trained on windows carries its state from character to character instead."""
    weights: Weights = "float32"
    """How the weights are stored; int8 rounds them."""

    @classmethod
    def load(cls, path: str | PathLike[str], *, carry_state: bool = False, weights: Weights = "float32") -> Self:
        """Load a model from a run folder, a model file, or a page that `nextchar convert` wrote.

        Args:
            path: where it is.
            carry_state: let a model trained on windows carry its state from character to character: many times faster,
                with different probabilities. Other models do so anyway.
            weights: int8 rounds them to eight bits: large models write about twice as fast, and score a little worse
                (docs/performance.md).

        Raises:
            ModelFileError: there is no model, or it is damaged.
        """
        return cls(ModelFile.load(find_model(Path(path))), carry_state, weights)

    def save(self, path: str | PathLike[str]) -> None:
        """Write the model file.

        Raises:
            ModelFileError: it cannot be written.
        """
        try:
            self.file.save(Path(path))
        except OSError as error:
            raise ModelFileError(f"The model cannot be written to {path}: {error.strerror or error}.") from error

    def __repr__(self) -> str:
        return f"{type(self).__name__}({summarise(self.file)})"

    def _repr_html_(self) -> str:
        """Return what a notebook shows."""
        return as_html(self.file)

    @property
    def vocabulary(self) -> Tokenizer:
        """The tokens the model knows."""
        return self.file.vocabulary

    @property
    def provenance(self) -> Provenance:
        """Where the model comes from."""
        return self.file.provenance

    @property
    def encoding(self) -> str | None:
        """How files are read for the model: `nextchar.text.decoding.BYTES` where its tokens are bytes, else as is
        detected."""
        return BYTES if self.vocabulary.kind == "bytes" else None

    @property
    def is_of_lines(self) -> bool:
        """Whether the model was trained on a list, and reads and writes each line by itself."""
        return self.file.line_end is not None

    @property
    def start_id(self) -> int:
        """The id read before a text's first character."""
        return self.vocabulary.start_id

    def as_trained(self, text: str) -> str:
        """Return ``text`` as the model reads it: normalized and lower-cased if its training text was."""
        return self.provenance.as_trained(text)

    def pieces_as_trained(self, pieces: Iterable[str]) -> Iterator[str]:
        """Yield the ``pieces`` of a text as the model reads it, cut where no token of it is cut."""
        pieces = self.provenance.pieces_as_trained(pieces)
        return filter(None, whole_words(pieces) if self.vocabulary.kind == "words" else pieces)

    @cached_property
    def network(self) -> Network[Any]:
        """The network in NumPy, which is ready at once."""
        return self._make_network(compiled=False)

    @cached_property
    def compiled_network(self) -> Network[Any]:
        """The same network with compiled loops, several times faster. Loading them takes half a second; compiling them,
        on a machine's first use, about ten seconds."""
        return self._make_network(compiled=True)

    def _make_network(self, *, compiled: bool) -> Network[Any]:
        architecture = self.file.architecture
        return kind_of(architecture).make_network(
            architecture,
            self.file.parameters,
            compiled=compiled,
            carry_state=self.carry_state,
            weights=self.weights,
        )

    def network_for(self, characters: int) -> Network[Any]:
        """Return the network that finishes ``characters`` sooner; both give the same results up to rounding."""
        architecture = self.file.architecture
        seconds = kind_of(architecture).numpy_seconds(architecture, characters, carry_state=self.carry_state)
        return self.compiled_network if seconds > LOADING else self.network

    def adaptive_network_for(self, characters: int, learned: int | None = None) -> Network[Any]:
        """Return a network that learns from the text it reads; one text at a time.

        Args:
            characters: to be read, by which the faster network is chosen.
            learned: ids from the beginning of a text that are learned from; None is all.
        """
        from nextchar.model.adapting import adaptive_network

        self._check_reads_along()
        return adaptive_network(self.file, self.network_for(characters), learned)

    def _check_reads_along(self) -> None:
        """Refuse to learn from a text where each of its lines is read by itself."""
        if self.is_of_lines:
            raise UsageError(
                "The model was trained on a list, and reads each line by itself: it cannot learn from those before. "
                "Leave adapt out (--adapt none)."
            )

    @cached_property
    def source_text(self) -> SourceText:
        """The training text, or its end, with an id for each character; errors are those of `copy_index`."""
        return self._kept_text().in_characters()

    @cached_property
    def copy_index(self) -> CopyIndex:
        """The index of the training text that limits copying.

        Raises:
            UsageError: the model file is without it.
            ModelFileError: it is damaged.
        """
        return CopyIndex(self._kept_text())

    def _kept_text(self) -> SourceText:
        if self.file.text is None:
            raise UsageError(
                "The model file does not have its training text, which max_copy and trace compare with: train again "
                "with the present nextchar, without --no-keep-text (with --keep-text in the classic recipe)."
            )
        return self.file.text.source(self.vocabulary)

    @cached_property
    def known_entries(self) -> KnownEntries:
        """The lines of the training text, or of its end; errors are those of `source_text`."""
        source = self.source_text
        assert self.file.text is not None, "there is a training text"
        return KnownEntries.of_source(source, is_whole=self.file.text.header.characters < MAX_KEPT)  # its ids

    def copied_runs(self, text: str, minimum: int = MIN_RUN, *, prompt: str = "") -> list[CopiedRun]:
        """Return the runs of ``text`` that stand in the training text, with the file and the line of each.

        Args:
            text: what was written.
            minimum: characters of the shortest run, at least 1.
            prompt: the text before it: a run may begin there, but only what is in ``text`` is returned.

        Returns:
            The runs in order; their ``start`` and ``end`` are characters of ``text``. They do not overlap.

        Raises:
            UsageError: ``minimum`` is less than 1, or the model file is without its training text.
        """
        if minimum < 1:
            raise UsageError(f"minimum = {minimum} is not allowed: a run has one character or more.")
        ids = self.source_text.vocabulary.encode(self.as_trained(prompt + text))
        return self.source_text.copied_runs(ids, minimum, len(prompt))
