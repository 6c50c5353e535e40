"""The learning curves as an SVG picture that takes its colours and fonts from the page it stands in."""

# The types that matplotlib states leave out those of its keyword arguments.
# pyright: reportUnknownMemberType=false

from __future__ import annotations

import re
from collections.abc import Sequence
from io import StringIO
from typing import TYPE_CHECKING, Any

import numpy as np

from nextchar.errors import MissingDependencyError
from nextchar.training.events import Evaluated, Recovered

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# matplotlib wants colours, the page has variables that follow light and dark: each stands for one.
_MUTED, _LINE, _VALIDATION, _TRAINING, _ALARM = (f"#0a0b0{digit}" for digit in range(1, 6))
_VARIABLES = {
    _MUTED: "var(--muted)",
    _LINE: "var(--line)",
    _VALIDATION: "var(--accent)",
    _TRAINING: "var(--second)",
    _ALARM: "var(--alarm)",
}


def learning_curves(
    evaluations: Sequence[Evaluated],
    recoveries: Sequence[Recovered] = (),
    *,
    size: tuple[float, float] = (8, 3.6),
) -> str:
    """Return bits per character, training and validation, over seconds of training, as an ``<svg>`` element.

    The best evaluation is ringed, recoveries are dotted lines, epochs stand along the top. Its colours are
    CSS variables: --muted, --line, --accent, --second, --alarm. Same events, same picture, byte for byte.

    Args:
        evaluations: by step, at least one.
        recoveries: where training diverged and went back.
        size: width and height in inches of 72 CSS pixels; text is 11 pixels high in it.

    Raises:
        MissingDependencyError: matplotlib is not installed.
    """
    try:
        import matplotlib as mpl
        from matplotlib.backends.backend_svg import FigureCanvasSVG
        from matplotlib.figure import Figure
    except ImportError:
        raise MissingDependencyError(
            "The learning curves of the report are drawn with matplotlib, which is not installed: "
            'pip install "nextchar[report]"'
        ) from None
    options: Any = {"svg.fonttype": "none", "svg.hashsalt": f"nextchar {size}", "font.size": 11}
    file = StringIO()
    with mpl.rc_context(options):
        figure = Figure(figsize=size, layout="constrained")
        FigureCanvasSVG(figure)
        axes = figure.add_subplot()
        _draw_curves(axes, evaluations)
        _draw_recoveries(axes, evaluations, recoveries)
        _style(axes)
        _add_epochs(axes, evaluations)
        figure.savefig(file, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    return _inline(file.getvalue(), _described(evaluations))


def _draw_curves(axes: Axes, evaluations: Sequence[Evaluated]) -> None:
    seconds = [event.seconds for event in evaluations]
    training = [event.training_bits_per_character for event in evaluations]
    axes.plot(seconds, training, color=_TRAINING, linewidth=1.6, marker="o", markersize=3.2, linestyle=(0, (4, 2)))
    held_out = [(e.seconds, bits) for e in evaluations if (bits := e.validation_bits_per_character) is not None]
    if held_out:
        axes.plot(*zip(*held_out, strict=True), color=_VALIDATION, linewidth=2.2, marker="o", markersize=4)
    best = next((event for event in reversed(evaluations) if event.best), None)
    if best is not None and best.validation_bits_per_character is not None:
        _ring(axes, best.seconds, best.validation_bits_per_character, best is evaluations[-1])


def _ring(axes: Axes, seconds: float, bits: float, last: bool) -> None:
    """Mark the best evaluation, its figure where no curve goes on: beside the last one, below another."""
    axes.plot(seconds, bits, marker="o", markersize=11, markerfacecolor="none", color=_VALIDATION)
    axes.annotate(
        f"{bits:.3f}" if last else f"best: {bits:.3f}",
        (seconds, bits),
        xytext=(11, 0) if last else (0, -11),
        textcoords="offset points",
        ha="left" if last else "center",
        va="center" if last else "top",
        color=_VALIDATION,
        annotation_clip=False,
    )


def _draw_recoveries(axes: Axes, evaluations: Sequence[Evaluated], recoveries: Sequence[Recovered]) -> None:
    # A recovery is told with its step alone; time runs evenly between two evaluations.
    steps, seconds = [0.0, *(e.step for e in evaluations)], [0.0, *(e.seconds for e in evaluations)]
    for event in recoveries:
        axes.axvline(float(np.interp(event.step, steps, seconds)), color=_ALARM, linewidth=1.4, linestyle=(0, (1, 2)))


def _style(axes: Axes) -> None:
    axes.set_xlabel("seconds of training", color=_MUTED)
    axes.set_ylabel("bits per character", color=_MUTED)
    axes.set_xlim(left=0)
    axes.margins(y=0.12)
    axes.grid(axis="y", color=_LINE, linewidth=0.8)
    axes.tick_params(colors=_MUTED, length=0)
    axes.set_axisbelow(True)
    for side, spine in axes.spines.items():
        spine.set_visible(side == "bottom")
        spine.set_color(_LINE)


def _add_epochs(axes: Axes, evaluations: Sequence[Evaluated]) -> None:
    """Mark passes over the text along the top, where they fall in time."""
    from matplotlib.ticker import MaxNLocator

    epochs, seconds = [0.0, *(e.epoch for e in evaluations)], [0.0, *(e.seconds for e in evaluations)]
    apart = seconds[-1] / 12
    ticks: list[tuple[float, str]] = []
    for tick in MaxNLocator(6, steps=[1, 2, 5, 10]).tick_values(0, epochs[-1]):
        place = float(np.interp(tick, epochs, seconds))
        if 0 <= tick <= epochs[-1] and (not ticks or place - ticks[-1][0] >= apart):
            ticks.append((place, f"{tick:g}"))
    top = axes.twiny()
    top.set_xlim(axes.get_xlim())
    top.set_xticks([place for place, _ in ticks], [name for _, name in ticks])
    top.set_xlabel("epochs", color=_MUTED)
    top.tick_params(colors=_MUTED, length=0)
    for spine in top.spines.values():
        spine.set_visible(False)


def _described(evaluations: Sequence[Evaluated]) -> str:
    """Return the picture in words, for those who hear the page; digits and plain words alone."""
    first, last = evaluations[0], evaluations[-1]
    falls = f"training from {first.training_bits_per_character:.3f} to {last.training_bits_per_character:.3f}"
    before, after = first.validation_bits_per_character, last.validation_bits_per_character
    if before is not None and after is not None:
        falls += f", validation from {before:.3f} to {after:.3f}"
    span = f"{first.seconds:.0f} to {last.seconds:.0f} seconds"
    return f"Learning curves in bits per character, {span}: {falls}."


def _inline(svg: str, description: str) -> str:
    """Return the ``<svg>`` element of the file ``svg`` fit for a page: no size, style or name of its own."""
    body = re.sub(r"<metadata>.*?</metadata>|<style.*?</style>", "", svg[svg.index("<svg") :], flags=re.S)
    used = set(re.findall(r"#([\w-]+)", body))
    body = re.sub(r' id="([^"]*)"', lambda match: match[0] if match[1] in used else "", body)
    body = re.sub(
        r"<svg\b[^>]*?(viewBox=\"[^\"]*\")[^>]*>",
        rf'<svg \1 role="img" aria-label="{description}">',
        body,
        count=1,
    )
    body = re.sub(r" font-family: [^;]*;", "", body)
    for colour, variable in _VARIABLES.items():
        body = body.replace(colour, variable)
    # Inside HTML no namespace is declared, and href needs none.
    return body.replace("xlink:href", "href").replace('xml:space="preserve"', "").strip()
