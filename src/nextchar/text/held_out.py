"""What is held out of texts: the end of each, so that a figure is of all of them, and no more than tells anything."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise

SHARE = 0.1
"""Of each text, where no share is asked for."""
MAX_HELD_OUT = 1_000_000
"""Characters held out of all texts at most, where no share is asked for: more would not be scored, nor learned from."""
_LOOKED_BACK = 1000
"""Characters before the place of a cut in which a line end is looked for."""


@dataclass(frozen=True)
class Piece:
    """A piece of a text, or the line end between two."""

    text: int
    """Number of the text, from 0."""
    held_out: bool
    content: str


def training_sizes(characters: Sequence[int], share: float | None) -> tuple[int, ...]:
    """Return how many characters from the start of each text are learned from.

    Args:
        characters: of each text.
        share: held out of each, 0 to 0.5; when not given, `SHARE`, but `MAX_HELD_OUT` characters of all texts together.
    """
    # Rounded down like int(n * 0.9) of nanoGPT and the Keras examples, so that figures compare.
    sizes = tuple(int(count * (1 - (SHARE if share is None else share))) for count in characters)
    total = sum(characters)
    if share is not None or total - sum(sizes) <= MAX_HELD_OUT:
        return sizes
    return tuple(count - MAX_HELD_OUT * count // total for count in characters)


def split_texts(texts: Iterable[Iterable[str]], characters: Sequence[int], sizes: Sequence[int]) -> Iterator[Piece]:
    """Yield ``texts`` in pieces, each text from a line of its own among what is learned from, and what is held out.

    Of several texts each is cut after a line, where one ends shortly before its place; of one text, at its place. A
    ``\\n`` is added, to the part that it ends, where a text does not end in one and another follows.

    Args:
        texts: each in pieces of any length.
        characters: of each text.
        sizes: how many of these are learned from.
    """
    unfinished: dict[bool, int | None] = {False: None, True: None}
    for number, text in enumerate(texts):
        back = min(_LOOKED_BACK, characters[number] - sizes[number]) if len(characters) > 1 else 0
        for held_out, content in _split(text, sizes[number], back):
            before = unfinished[held_out]
            if before is not None and before != number:
                yield Piece(before, held_out, "\n")
            yield Piece(number, held_out, content)
            unfinished[held_out] = None if content.endswith("\n") else number


def _split(text: Iterable[str], size: int, back: int) -> Iterator[tuple[bool, str]]:
    """Yield ``text`` in pieces, and whether each is held out: from ``size`` on, or from the start of the line there if
    that is among the ``back`` characters before."""
    held, start, cut = "", 0, False
    for piece in text:
        if cut:
            if piece:
                yield True, piece
            continue
        held += piece
        if start + len(held) < size:
            passed = max(0, len(held) - back)
            if passed:
                yield False, held[:passed]
            held, start = held[passed:], start + passed
            continue
        place, cut = size - start, True
        place = held.rfind("\n", max(0, place - back), place) + 1 or place
        if place:
            yield False, held[:place]
        if held[place:]:
            yield True, held[place:]
    if held and not cut:
        yield False, held


def part_sizes(parts: Sequence[int], size: int) -> Iterator[int]:
    """Yield how many characters of each of ``parts`` are in an excerpt of ``size`` of all of them, in proportion."""
    total = sum(parts)
    ends = (size * end // total for end in accumulate(parts, initial=0))
    return (stop - start for start, stop in pairwise(ends))
