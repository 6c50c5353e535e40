"""What a model writes in place of a list, beside the list that it learned from: shares, lengths, initial letters."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from html import escape

from nextchar.model.known_entries import KnownEntries, fold_case
from nextchar.model.language_model import LanguageModel
from nextchar.model.list_quality import ListQuality, measure_list
from nextchar.model.model_file import ModelFile
from nextchar.networks.architecture import Ids
from nextchar.report.markup import element, grid_table, language_of, text_element, visible
from nextchar.runs.record import RunRecord
from nextchar.text.line_survey import is_list, survey_lines

DRAWN = 1000
"""Entries that are drawn."""
MAX_READ = 8_000_000
"""Most characters of the list, from its end, that are looked at."""
MAX_LETTERS = 30
"""Most initial letters that are shown, the most frequent ones of the training list."""
MAX_LENGTHS = 40
"""Most bars of lengths; beyond that, each stands for several lengths."""
BAR_HEIGHT, BAR_WIDTH, LEFT, LABELS = 140, 26, 44, 22
"""Sizes of a chart in pixels: the longest bar, a pair of bars, and the room for its labels."""

Shares = Mapping[str, float]
"""The share of each group of entries, by its name."""


def list_section(run: RunRecord, corpus_ids: Ids | None) -> str:
    """Return the section about lists; "" if the run did not learn from a list, or its text is gone.

    Args:
        run: the run.
        corpus_ids: ids of the text in the model's vocabulary, shape (n,).
    """
    if run.model is None or corpus_ids is None or not run.model.vocabulary.knows("\n"):
        return ""
    vocabulary = run.model.vocabulary
    text = vocabulary.decode(corpus_ids[-MAX_READ:])
    lines = text.split("\n")
    if not is_list(lines):
        return ""
    survey, lines = survey_lines(lines), [line for line in lines if line]
    known = KnownEntries.of_lines(lines)
    quality = measure_list(
        LanguageModel(run.model).network, vocabulary, known, survey, count=DRAWN, seed=run.settings.training.seed
    )
    if not quality.entries:
        return ""
    return element("section", text_element("h2", "The list it writes") + _content(run.model, lines, quality))


def _content(model: ModelFile, lines: Sequence[str], quality: ListQuality) -> str:
    """Return the shares as a sentence and a table, and the charts."""
    unique = len(set(map(fold_case, lines))) / len(lines)
    sentence = (
        f"Of {DRAWN:,} entries drawn at temperature 1, {_percent(quality.valid)} are valid: not empty, and as long as "
        f"entries of the training list. Of these, {_percent(quality.unique)} are left without repeats, and "
        f"{_percent(quality.new)} are new: not in the training list, whatever their case. Of the training list, "
        f"{_percent(unique)} are left without repeats."
    )
    keys = text_element("span", "written", class_="key accent") + text_element(
        "span", "training list", class_="key bar"
    )
    width = -(-max(map(len, lines)) // MAX_LENGTHS)
    written_lengths, listed_lengths = _lengths(quality.entries, width), _lengths(lines, width)
    written_letters, listed_letters = _letters(quality.entries), _letters(lines)
    lengths = sorted({*written_lengths, *listed_lengths}, key=_first_number)
    letters = sorted(sorted(listed_letters, key=listed_letters.__getitem__)[-MAX_LETTERS:])
    language = language_of(model.vocabulary.characters)
    return (
        text_element("p", sentence)
        + element("p", keys, class_="keys")
        + text_element("h3", "Characters of an entry")
        + _chart("Lengths", lengths, written_lengths, listed_lengths)
        + text_element("h3", "Initial letters")
        + _chart("Initial letters", letters, written_letters, listed_letters, language)
    )


def _lengths(entries: Sequence[str], width: int) -> Shares:
    """Return the share of the entries of each length, of ``width`` lengths together."""
    starts = Counter(1 + (len(entry) - 1) // width * width for entry in entries)
    return {
        str(start) if width == 1 else f"{start}–{start + width - 1}": count / len(entries)
        for start, count in starts.items()
    }


def _first_number(name: str) -> int:
    return int(name.partition("–")[0])


def _letters(entries: Sequence[str]) -> Shares:
    """Return the share of the entries that begin with each character."""
    return {letter: count / len(entries) for letter, count in Counter(entry[0] for entry in entries).items()}


def _chart(name: str, groups: Sequence[str], written: Shares, listed: Shares, language: str = "") -> str:
    """Return the shares of ``groups`` as a chart of pairs of bars, and as a table that can be unfolded."""
    top = max(max(shares.get(group, 0) for group in groups) for shares in (written, listed))
    scale = BAR_HEIGHT / top
    width, height = LEFT + BAR_WIDTH * len(groups), BAR_HEIGHT + LABELS + 10
    bars = "".join(
        _pair(number, visible(group) if len(group) == 1 else group, written.get(group, 0), listed.get(group, 0), scale)
        for number, group in enumerate(groups)
    )
    base = BAR_HEIGHT + 10
    axis = (
        f'<line class="grid" x1="{LEFT}" x2="{width}" y1="{base}" y2="{base}"/>'
        f'<text x="{LEFT - 6}" y="16" text-anchor="end">{_percent(top)}</text>'
        f'<text x="{LEFT - 6}" y="{base}" text-anchor="end">0 %</text>'
    )
    label = f"{name}: share of the entries written, beside that of the training list; the table has the figures."
    size = {"viewBox": f"0 0 {width} {height}", "width": str(width), "height": str(height)}
    svg = element("svg", axis + bars, role="img", **{"aria-label": label}, **size)
    rows = (
        element(
            "tr",
            text_element("th", visible(group) if len(group) == 1 else group, scope="row", lang=language or None)
            + text_element("td", _percent(written.get(group, 0)))
            + text_element("td", _percent(listed.get(group, 0))),
        )
        for group in groups
    )
    table = grid_table(["", "written", "training list"], rows, "figures")
    figures = element("details", text_element("summary", f"{name} as a table") + table)
    return element("div", svg, class_="scroll", tabindex="0") + figures


def _pair(number: int, label: str, written: float, listed: float, scale: float) -> str:
    """Return the bars of a group and its label."""
    left, base = LEFT + BAR_WIDTH * number, BAR_HEIGHT + 10
    bars = "".join(
        f'<rect class="{class_}" x="{left + offset}" y="{base - share * scale:.1f}" width="10" '
        f'height="{share * scale:.1f}"/>'
        for class_, offset, share in (("written", 3, written), ("listed", 13, listed))
    )
    return f'{bars}<text x="{left + 13}" y="{base + 16}" text-anchor="middle">{escape(label)}</text>'


def _percent(share: float) -> str:
    """Return ``share`` in percent; one that is not everything is never called so."""
    return "100 %" if share == 1 else f"{min(100 * share, 99.9):.1f} %"
