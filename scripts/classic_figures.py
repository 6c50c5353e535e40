"""Draws the figures of docs/classic.md as SVG, from docs/classic.json alone.

Pure functions from numbers to text: the same record gives the same pictures, byte for byte. Each has its own
background, so that it is readable on a light and on a dark page.
"""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from itertools import pairwise
from math import ceil, floor
from typing import NamedTuple

from classic_record import Effect, Loop, Step, Written

from nextchar.report.markup import element, text_element, visible
from nextchar.training.events import Evaluated

PAPER, SHEET, INK, MUTED, LINE = "#fdfcf9", "#f3efe6", "#24211c", "#726b60", "#e5dfd3"
ACCENT, SECOND, BAR, ALARM = "#a9471b", "#55748f", "#d98a5f", "#c2203a"
SANS = (
    "system-ui,-apple-system,'Segoe UI',Roboto,'Noto Sans',"
    "'Apple SD Gothic Neo','Malgun Gothic','Noto Sans CJK KR',sans-serif"
)
MONO = "ui-monospace,'SF Mono',Menlo,Consolas,'Noto Sans Mono','DejaVu Sans Mono',monospace"
WIDTH, MARGIN = 960, 28

Words = Mapping[str, str]
"""What is written in a figure, by its English."""


class Row(NamedTuple):
    """A step from the classic recipe to the default one, as in the table of the page."""

    name: str
    bits: float
    seconds: str
    """To the quality of the example; what the table says where it was not reached."""


def picture(height: float, description: str, *parts: str) -> str:
    """Return an SVG file of those parts."""
    background = element("rect", "", width="100%", height="100%", rx="8", fill=PAPER)
    attributes = {"xmlns": "http://www.w3.org/2000/svg", "viewBox": f"0 0 {WIDTH} {height:g}", "role": "img"}
    attributes |= {"width": f"{WIDTH}", "height": f"{height:g}", "font-family": SANS}
    content = [text_element("title", description), background, *parts]
    return element("svg", "\n".join(content), **attributes) + "\n"


def text(
    x: float,
    y: float,
    words: str,
    *,
    size: float = 13,
    fill: str = INK,
    anchor: str = "start",
    bold: bool = False,
    mono: bool = False,
    halo: bool = False,
) -> str:
    """Return a line of text whose baseline is at ``y``."""
    attributes = {"x": f"{x:g}", "y": f"{y:g}", "font-size": f"{size:g}", "fill": fill, "text-anchor": anchor}
    if bold:
        attributes["font-weight"] = "700"
    if halo:  # keeps a line behind the text off its letters
        attributes |= {"stroke": PAPER, "stroke-width": "5", "paint-order": "stroke"}
    if mono:
        attributes["font-family"] = MONO
    return text_element("text", words, **attributes)


def box(x: float, y: float, width: float, height: float, fill: str) -> str:
    """Return a filled rectangle."""
    sizes = {"x": f"{x:.5g}", "y": f"{y:.5g}", "width": f"{width:.4g}", "height": f"{height:.4g}"}
    return element("rect", "", fill=fill, **sizes)


def stroke(path: str, colour: str, width: float = 1, dashes: str | None = None) -> str:
    """Return a line along ``path``."""
    return element(
        "path", "", d=path, fill="none", stroke=colour, **{"stroke-width": f"{width:g}", "stroke-dasharray": dashes}
    )


def percent(share: float) -> str:
    """Return a probability as a reader says it."""
    if share >= 0.0995:
        return f"{100 * share:.0f} %"
    return f"{100 * share:.1f} %" if share >= 0.0005 else "<0.1 %"


def bars(x: float, y: float, width: float, rows: Sequence[tuple[str, float]], marked: int | None = None) -> str:
    """Return a column of names with their shares as bars, one of them marked."""
    parts: list[str] = []
    most = width - 84
    for number, (name, share) in enumerate(rows):
        top, chosen = y + 24 * number, number == marked
        if chosen:
            parts.append(box(x - 4, top, width, 22, SHEET))
        colour = ACCENT if chosen else INK
        parts.append(text(x + 11, top + 16, name, size=15, fill=colour, anchor="middle", bold=chosen, mono=True))
        parts.append(box(x + 26, top + 4, max(1, most * share), 14, ACCENT if chosen else BAR))
        parts.append(
            text(x + 31 + most * share, top + 15.5, percent(share), size=11.5, fill=colour if chosen else MUTED)
        )
    return "\n".join(parts)


def writing(steps: Sequence[Step], words: Words) -> str:
    """Return what was most probable at each of ``steps``, and what was drawn."""
    column = (WIDTH - 2 * MARGIN) / len(steps)
    parts: list[str] = []
    rows = max(len(step.characters) + (step.drawn not in step.characters) for step in steps)
    for number, step in enumerate(steps):
        x = MARGIN + column * number
        tail = "…" + "".join(map(visible, step.read[-11:-1]))
        end = element("tspan", visible(step.read[-1]), fill=ACCENT if number else INK)
        parts.append(
            element("text", tail + end, x=f"{x:g}", y="44", **{"font-size": "13", "font-family": MONO, "fill": INK})
        )
        names = [visible(character) for character in step.characters]
        shares = list(step.probabilities)
        if step.drawn not in step.characters:
            names, shares = [*names, visible(step.drawn)], [*shares, step.drawn_probability]
        marked = names.index(visible(step.drawn))
        parts.append(bars(x + 4, 60, column - 8, list(zip(names, shares, strict=True)), marked))
        if number:
            parts.append(stroke(f"M{x - 8:g} 30V{64 + 24 * rows}", LINE))
    return picture(84 + 24 * rows, words["one character after another"], *parts)


def surprises(written: Sequence[Written], loop: Loop, shown: int, words: Words) -> str:
    """Return how surprising each character was that was written at each temperature; where it loops is marked."""
    left, height, gap = MARGIN + 26, 108, 42
    step = (WIDTH - left - MARGIN - 96) / shown
    most = max(max(one.surprises[:shown]) for one in written)
    scale = height / most
    parts = [text(left + shown * step, 36, words["surprise"], size=12, fill=MUTED, anchor="end")]
    for number, one in enumerate(written):
        top = 46 + (height + gap) * number
        floor = top + height
        parts.append(text(left, top - 10, f"{words['temperature']} {one.temperature:g}", bold=True))
        if one.temperature == 0:
            for start in range(loop.begins, shown, 2 * loop.period):
                width = min(loop.period, shown - start) * step
                parts.append(box(left + start * step, top, width, height, SHEET))
            said = words["again and again"].format(period=loop.period)
            parts.append(text(left + loop.begins * step + 6, top + 20, said, size=12, fill=MUTED))
        for bits in range(0, int(most) + 1, 4):
            parts.append(stroke(f"M{left:g} {floor - bits * scale:.1f}H{left + shown * step:g}", LINE))
            parts.append(text(left - 6, floor - bits * scale + 4, f"{bits}", size=11, fill=MUTED, anchor="end"))
        path = "".join(
            f"M{left + (at + 0.5) * step:.1f} {floor:g}v{-max(bits * scale, 0.4):.1f}"
            for at, bits in enumerate(one.surprises[:shown])
        )
        parts.append(stroke(path, ACCENT, round(0.8 * step, 2)))
        mean = sum(one.surprises) / len(one.surprises)
        parts.append(text(left + shown * step + 12, floor - 24, words["mean"], size=12, fill=MUTED))
        bits = words["bits"].format(bits=f"{mean:.2f}")
        parts.append(text(left + shown * step + 12, floor - 6, bits, size=14, bold=True))
    bottom = 46 + (height + gap) * len(written) - gap + 20
    parts.append(text(left, bottom, words["character"].format(number=1), size=11, fill=MUTED))
    last = words["character"].format(number=shown)
    parts.append(text(left + shown * step, bottom, last, size=11, fill=MUTED, anchor="end"))
    return picture(bottom + 16, words["surprise of each character"], *parts)


def temperatures(effect: Effect, words: Words) -> str:
    """Return one distribution at several temperatures."""
    column = (WIDTH - 2 * MARGIN) / len(effect.temperatures)
    names = [visible(character) for character in effect.characters]
    parts: list[str] = []
    for number, temperature in enumerate(effect.temperatures):
        x, shares = MARGIN + column * number, effect.probabilities[number]
        parts.append(text(x, 38, f"{words['temperature']} {temperature:g}", size=15, bold=True))
        entropy = words["entropy"].format(bits=f"{effect.entropies[number]:.2f}")
        parts.append(text(x, 58, entropy, size=12, fill=MUTED))
        parts.append(bars(x + 4, 72, column - 14, list(zip(names, shares, strict=True))))
        rest = f"{words['others']} {percent(max(0.0, 1 - sum(shares)))}"
        parts.append(text(x + 30, 90 + 24 * len(names), rest, size=11.5, fill=MUTED))
    return picture(112 + 24 * len(names), words["one distribution"], *parts)


def curves(evaluations: Sequence[Evaluated], words: Words) -> str:
    """Return bits per character over the seconds of training, on both texts, each epoch named along the top."""
    left, right, top, bottom = MARGIN + 40.0, WIDTH - MARGIN - 46.0, 96.0, 330.0
    held_out = [event.validation_bits_per_character or 0.0 for event in evaluations]
    learned = [event.training_bits_per_character for event in evaluations]
    low, high, last = min(held_out + learned) - 0.08, max(held_out + learned) + 0.08, evaluations[-1].seconds

    def x(seconds: float) -> float:
        return left + seconds / last * (right - left)

    def y(bits: float) -> float:
        return top + (high - bits) / (high - low) * (bottom - top)

    parts: list[str] = []
    for fifths in range(ceil(low * 5), floor(high * 5) + 1):
        parts.append(stroke(f"M{left:g} {y(fifths / 5):.1f}H{right:g}", LINE))
        parts.append(
            text(left - 8, round(y(fifths / 5) + 4, 1), f"{fifths / 5:.1f}", size=12, fill=MUTED, anchor="end")
        )
    for seconds in range(0, int(last) + 1, 100):
        parts.append(text(round(x(seconds), 1), bottom + 20, f"{seconds}", size=12, fill=MUTED, anchor="middle"))
    for event in evaluations:
        parts.append(
            text(round(x(event.seconds), 1), top - 10, f"{event.epoch:g}", size=12, fill=MUTED, anchor="middle")
        )
    parts.append(text(left, 60, words["bits per character"], size=12, fill=MUTED))
    parts.append(text(right, 60, words["epochs"], size=12, fill=MUTED, anchor="end"))
    parts.append(text(right, bottom + 40, words["seconds of training"], size=12, fill=MUTED, anchor="end"))
    for start, colour, dashes, name, bits in (
        (60, ACCENT, None, "held out", held_out),
        (420, SECOND, "5 3", "training", learned),
    ):
        places = [(x(event.seconds), y(value)) for event, value in zip(evaluations, bits, strict=True)]
        parts += [
            stroke(f"M{start} 32h30", colour, 2.4, dashes),
            text(start + 40, 36.5, words[name], size=12.5, fill=MUTED),
        ]
        parts.append(stroke("M" + "L".join(f"{cx:.1f} {cy:.1f}" for cx, cy in places), colour, 2.2, dashes))
        parts += [element("circle", "", cx=f"{cx:.1f}", cy=f"{cy:.1f}", r="3", fill=colour) for cx, cy in places]
    best = min(range(len(held_out)), key=held_out.__getitem__)
    place = {"cx": f"{x(evaluations[best].seconds):.1f}", "cy": f"{y(held_out[best]):.1f}", "r": "7"}
    parts.append(element("circle", "", fill="none", stroke=ACCENT, **place))
    name = f"{words['best']} {held_out[best]:.3f}"
    parts.append(text(float(place["cx"]), float(place["cy"]) + 24, name, fill=ACCENT, anchor="middle"))
    return picture(bottom + 54, words["learning curves"], *parts)


def staircase(rows: Sequence[Row], target: float, words: Words, letters: int) -> str:
    """Return the bits of each row as a step of a staircase, beside its name, wrapped at that many ``letters``."""
    left, right, top, height = 400.0, WIDTH - 150.0, 76.0, 46.0
    low, high = min(row.bits for row in rows) - 0.05, max(row.bits for row in rows) + 0.05

    def place(bits: float) -> float:
        return left + (bits - low) / (high - low) * (right - left)

    bottom = top + height * len(rows)
    parts = [
        text(place(target), top - 26, words["example"].format(bits=target), size=12, fill=SECOND, anchor="middle"),
        stroke(f"M{place(target):.1f} {top - 16}V{bottom}", SECOND, 1.4, "5 4"),
        text(WIDTH - MARGIN, top - 42, words["seconds to it, first line"], size=12, fill=MUTED, anchor="end"),
        text(WIDTH - MARGIN, top - 26, words["seconds to it, second line"], size=12, fill=MUTED, anchor="end"),
    ]
    middles = [top + height * (number + 0.5) for number in range(len(rows))]
    path = f"M{place(rows[0].bits):.1f} {middles[0]:g}"
    path += "".join(
        f"V{(above + below) / 2:g}H{place(row.bits):.1f}V{below:g}"
        for (above, below), row in zip(pairwise(middles), rows[1:], strict=True)
    )
    parts.append(stroke(path, BAR, 2))
    for number, (row, y) in enumerate(zip(rows, middles, strict=True)):
        lines = textwrap.wrap(row.name, letters)
        for line_number, line in enumerate(lines):
            parts.append(text(MARGIN, y + 4.5 + 16 * (line_number - (len(lines) - 1) / 2), line))
        worse = number > 0 and row.bits > rows[number - 1].bits
        colour = ALARM if worse else ACCENT
        parts.append(element("circle", "", cx=f"{place(row.bits):.1f}", cy=f"{y:g}", r="5", fill=colour))
        parts.append(text(place(row.bits) + 11, y + 5, f"{row.bits:.3f}", size=14, fill=colour, bold=True, halo=True))
        parts.append(text(WIDTH - MARGIN, y + 5, row.seconds, fill=MUTED, anchor="end"))
        parts.append(stroke(f"M{MARGIN} {y + height / 2:g}H{WIDTH - MARGIN}", LINE, 0.8))
    return picture(bottom + 20, words["staircase"], *parts)
