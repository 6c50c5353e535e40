"""The texts to learn from: found, noticed to be lists, and what to say of them."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np

from nextchar.errors import TextError, UsageError
from nextchar.runs.trainers import dataset_of
from nextchar.runs.training_text import find_texts
from nextchar.settings import TextSettings, TrainingSettings
from nextchar.text.corpus import Corpus
from nextchar.text.decomposition import ADVICE, NOTICED, decomposed_share
from nextchar.text.files import TextFile
from nextchar.text.line_survey import are_lists
from nextchar.text.text_file import NotTextError
from nextchar.training.events import Event, Note, TextRead
from nextchar.training.recipes import recipe_of


@dataclass(frozen=True)
class Texts:
    """The texts to learn from."""

    names: tuple[str, ...]
    """Files, folders, catalogue names, or ``-`` for ``standard_input``."""
    settings: TextSettings
    standard_input: BinaryIO | None = None


def find(texts: Texts, text: TextSettings, cache: Path) -> Generator[Event, None, Sequence[TextFile]]:
    """Find ``texts``; yield notes about them, and return their files."""
    try:
        found = find_texts(texts.names, text, cache, stdin=texts.standard_input)
    except NotTextError as error:
        raise TextError(f"{error} To learn its bytes as they are, whatever they mean: --tokens bytes.") from error
    yield from (Note(message=message) for message in found.notes)
    return found.files


def notice_lists(
    files: Sequence[TextFile], text: TextSettings, training: TrainingSettings
) -> tuple[TextSettings, Sequence[str]]:
    """Return ``text`` with the decision whether ``files`` are lists, and what to say if they are noticed to be.

    Raises:
        UsageError: they are to be read as lists by a recipe that cannot.
    """
    if text.label_column is not None:
        text = text.model_copy(update={"lines": True})
    if not recipe_of(training).reads_lists:
        if text.lines:
            option = "--lines" if text.label_column is None else "--label-column"
            raise UsageError(f"The {training.recipe} recipe reads running text: leave {option} out.")
        return text, ()
    if text.lines is None and are_lists(files):
        message = (
            "The text is a list: each line is learned as an entry of its own, whatever stands before it (--prose: as "
            "running text)."
        )
        return text.model_copy(update={"lines": True}), (message,)
    return text, ()


def check_tokens(text: TextSettings, training: TrainingSettings) -> None:
    """Refuse tokens other than characters where the recipe reads characters.

    Raises:
        UsageError: they are.
    """
    if training.recipe == "classic" and text.token_kind != "characters":
        raise UsageError(f"The classic recipe reads characters: leave --tokens {text.tokens} out.")


def events_of_text(corpus: Corpus) -> Iterator[Event]:
    """Yield the event of an encoded text, and what to know about it."""
    of_figure = dataset_of(corpus).validation
    yield TextRead(
        names=corpus.names,
        characters=corpus.characters,
        distinct=corpus.distinct,
        vocabulary_size=corpus.vocabulary.size,
        rare=corpus.rare,
        training_characters=corpus.training_characters,
        validation_characters=int(corpus.vocabulary.token_lengths(of_figure).sum()),
        held_out_characters=corpus.characters - corpus.training_characters,
        tokens=corpus.vocabulary.kind,
        token_count=len(corpus.ids),
        unknown_characters=corpus.count_unknown(of_figure),
        content_sha256=corpus.content_sha256,
        lines=int(np.count_nonzero(corpus.ids == corpus.line_end)) if corpus.is_list else None,
    )
    share = decomposed_share(corpus.ids, corpus.vocabulary)
    if share > NOTICED:
        yield Note(
            message=f"{share:.1%} of the characters are decomposed, letters apart from their marks or jamo: {ADVICE}."
        )
