"""Models beside each other on one text, for the terminal: their bits, how sure their differences are, and where they
arise."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from nextchar.cli.cells import safe_line
from nextchar.cli.columns import aligned
from nextchar.model.comparison import PASSAGE, Comparison, Passage, letter
from nextchar.runs.screen import wrap_words


def name_lines(names: Sequence[str], remarks: Sequence[str | None]) -> Iterator[str]:
    """Yield a line for each name, which is never cut: its letter, the name, and what is to be said about it."""
    for number, (name, remark) in enumerate(zip(names, remarks, strict=True)):
        yield f"{letter(number)}  {safe_line(name)}" + ("" if remark is None else f" ({remark})")


def difference_lines(comparison: Comparison, width: int) -> Iterator[str]:
    """Yield a table of the models of ``comparison``, and a sentence about its intervals."""
    rows = [("", "bits per character", "unknown", "against A", "95 % interval")]
    for number, score in enumerate(comparison.scores):
        low_high = "" if score.interval is None else " to ".join(f"{end:+.3f}" for end in score.interval)
        against = f"{score.difference:+.3f}" if number else ""
        rows.append(
            (letter(number), f"{score.bits_per_character:.3f}", f"{score.unknown_characters:,}", against, low_high)
        )
    yield from aligned(rows, width, right={1, 2, 3, 4})
    if len(comparison.scores) > 1:
        yield wrap_words(comparison.about_intervals, width)


def largest_difference_lines(comparison: Comparison, width: int) -> Iterator[str]:
    """Yield tables of the passages in which each model differs most from the first."""
    for number, score in enumerate(comparison.scores):
        if score.passages:
            yield f"\nWhere {letter(number)} differs most from A, in bits for {PASSAGE} characters:"
            yield from _passages(letter(number), score.passages, width)


def _passages(name: str, passages: Sequence[Passage], width: int) -> Iterator[str]:
    rows = [("line", "A", name, "")]
    for passage in passages:
        bits = f"{passage.first_bits:.1f}", f"{passage.bits:.1f}"
        rows.append((f"{passage.line:,}", *bits, safe_line(passage.text)))
    yield from aligned(rows, width, right={0, 1, 2})
