"""Where to cut texts: the end of each is held out for validation, so that figures are about all of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from itertools import accumulate, pairwise

from nextchar.settings import Boundary, Repeated
from nextchar.text.lines import lines_of
from nextchar.text.text_file import missing_boundary

SHARE = 0.1
"""Default share of each text that is held out."""
MAX_HELD_OUT = 1_000_000
"""Most characters held out of all texts together by default: more would be neither scored nor learned from."""
_HASHES = 1 << 64
_LOOKED_BACK = 1000
"""Characters before a cut in which a line end is looked for."""


@dataclass(frozen=True)
class Piece:
    """A piece of a text, or the line end between two texts."""

    text: int
    """Index of the text, from 0."""
    held_out: bool
    content: str


def training_sizes(characters: Sequence[int], share: float | None) -> tuple[int, ...]:
    """Return the size of the training part of each text, from its start, in characters.

    Args:
        characters: length of each text.
        share: share of each text to hold out, 0 to 0.5; if None, `SHARE`, but at most `MAX_HELD_OUT` characters of all
            texts together.
    """
    # Rounded down like int(n * 0.9) in nanoGPT and the Keras examples, so that figures are comparable.
    sizes = tuple(int(count * (1 - (SHARE if share is None else share))) for count in characters)
    total = sum(characters)
    if share is not None or total - sum(sizes) <= MAX_HELD_OUT:
        return sizes
    return tuple(count - MAX_HELD_OUT * count // total for count in characters)


def split_texts(
    texts: Iterable[Iterable[str]],
    characters: Sequence[int],
    sizes: Sequence[int],
    boundary: Boundary = "line",
    *,
    start: int = 0,
    endings: tuple[str, str] = ("", ""),
) -> Iterator[Piece]:
    """Yield ``texts`` in pieces, cut into training and held-out parts, in both of which ``boundary`` separates texts.

    A single text is cut exactly at its size; each of several texts is cut after a line that ends shortly before. By
    default a ``\\n`` is added to the part of a text that does not end in one, if another text follows in it.

    Args:
        texts: each in pieces of any length.
        characters: length of each text.
        sizes: size of the training part of each text.
        boundary: what separates texts.
        start: number of the first of ``texts`` in ``characters`` and ``sizes``, to continue there.
        endings: last two characters of the training part and of the held-out part before that text.
    """
    last = {False: start - 1, True: start - 1}  # the text that each part ends with
    ending = dict(zip((False, True), endings, strict=True))
    for number, text in enumerate(texts, start):
        back = min(_LOOKED_BACK, characters[number] - sizes[number]) if len(characters) > 1 else 0
        for held_out, content in _split(text, sizes[number], back):
            if last[held_out] != number:
                missing = missing_boundary(ending[held_out], boundary)
                if missing:
                    yield Piece(last[held_out], held_out, missing)
                last[held_out] = number
            yield Piece(number, held_out, content)
            ending[held_out] = (ending[held_out] + content)[-2:]


def split_lines(
    texts: Iterable[Iterable[str]], characters: int, share: float | None, repeated: Repeated = "keep"
) -> Iterator[Piece]:
    """Yield the lines of ``texts``, lists with an entry on each line, in pieces of whole lines.

    A line is held out or not by its hash, without regard to case and to spaces around it: so no line is on both sides,
    and the held-out ones are from everywhere. Empty lines are left out.

    Args:
        texts: each in pieces of any length.
        characters: length of all texts.
        share: share of the lines to hold out; if None, as for `training_sizes`.
        repeated: whether a line that came before is left out.
    """
    held_out = min(SHARE, MAX_HELD_OUT / max(1, characters)) if share is None else share
    seen = set[int]() if repeated == "once" else None
    for number, text in enumerate(texts):
        for lines in lines_of(text):
            for part, of_part in _divide(lines, held_out, seen).items():
                if of_part:
                    yield Piece(number, part, "\n".join([*of_part, ""]))


def _divide(lines: Sequence[str], held_out: float, seen: set[int] | None) -> dict[bool, list[str]]:
    """Return the ``lines`` that are learned from, and those of which a share ``held_out`` is held out; without empty
    ones, and without those whose hashes are in ``seen``, to which all are added."""
    parts: dict[bool, list[str]] = {False: [], True: []}
    for line in filter(str.strip, lines):
        digest = int.from_bytes(blake2b(line.strip().casefold().encode(), digest_size=8).digest())
        if seen is not None:
            if digest in seen:
                continue
            seen.add(digest)
        parts[digest < held_out * _HASHES].append(line)
    return parts


def _split(text: Iterable[str], size: int, back: int) -> Iterator[tuple[bool, str]]:
    """Yield ``text`` in pieces, with whether each is held out: from ``size`` on, or from the start of that line if it
    is at most ``back`` characters before."""
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
    """Yield the size of each part in an excerpt of ``size`` characters, in proportion to the sizes in ``parts``."""
    total = sum(parts)
    ends = (size * end // total for end in accumulate(parts, initial=0))
    return (stop - start for start, stop in pairwise(ends))
