"""The progress of a run, on a terminal or in a log file."""

from __future__ import annotations

from collections.abc import Iterator
from types import TracebackType
from typing import Literal, Self

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.text import Text

from nextchar.runs.event_words import ASCII, UNICODE, Marks, describe, progress_parts, sample_head, sample_line
from nextchar.runs.screen import wrap_words
from nextchar.training.events import (
    BaseRead,
    Counted,
    Evaluated,
    Event,
    Finished,
    Note,
    Planned,
    Progress,
    Recovered,
    Revised,
    Sampled,
    TextRead,
    Writing,
)

Level = Literal["full", "lines", "brief", "silent"]
"""full: a bar, evaluations, and samples as they are written. lines: the same without the bar, with finished samples.
brief: the text, the plan and the result. silent: nothing."""

_BEFORE = (Note, TextRead, BaseRead, Planned, Counted)
_SHOWN: dict[Level, tuple[type, ...]] = {
    "full": (*_BEFORE, Progress, Evaluated, Writing, Sampled, Recovered, Revised, Finished),
    "lines": (*_BEFORE, Evaluated, Sampled, Recovered, Revised, Finished),
    "brief": (*_BEFORE, Recovered, Finished),
    "silent": (),
}


MIN_BAR, MAX_BAR = 8, 40
"""Columns of the bar; it is left out if fewer are free."""
REVISED_SHARE = 0.1
"""Share of the steps by which they change before that is shown: the clock changes them a little all the time."""


def choose_level(console: Console) -> Level:
    """Return how much to show by default: a bar on a terminal that can redraw it, lines on other terminals and in
    notebooks, little elsewhere."""
    if console.is_terminal and console.is_interactive:
        return "full"
    return "lines" if console.is_terminal or console.is_jupyter else "brief"


class ProgressDisplay:
    """Shows the events of a run on a console.

    On a terminal, no word or number is split at the margin, and a sample is one line, cut at the width of the terminal.
    Elsewhere lines are not broken.
    """

    def __init__(self, console: Console, level: Level) -> None:
        self._console = console
        self._shown = _SHOWN[level]
        self._marks = UNICODE if console.encoding.lower().startswith("utf") else ASCII
        self._bar = _Bar(self._marks)
        self._live = Live(self._bar, console=console, transient=True) if level == "full" else None
        self._room = 0
        self._steps: int | None = None  # as shown last

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._hide_bar()

    def show(self, event: Event) -> None:
        """Show ``event`` if this level shows events of its kind."""
        if not isinstance(event, self._shown):
            return
        if isinstance(event, Progress):
            self._show_bar(event)
        elif isinstance(event, Writing):
            self._hide_bar()  # or it would draw itself into the line being written
            self._print(self._written(event), end="")
        elif isinstance(event, Sampled):
            self._print(Text() if Writing in self._shown else sample_line(event, self._width, self._marks))
        elif isinstance(event, Revised):
            self._show_revision(event)
        else:
            line = describe(event)
            self._print(Text(wrap_words(line.plain, self._width), line.style))

    def _show_revision(self, event: Revised) -> None:
        """Show how the steps have changed since the last revision that was shown, if they have changed much."""
        before = self._steps or event.planned_steps
        self._steps = before
        if abs(event.steps - before) >= REVISED_SHARE * before:
            self._steps = event.steps
            line = describe(event.model_copy(update={"planned_steps": before}))
            self._print(Text(wrap_words(line.plain, self._width)))

    def _print(self, line: Text, end: str = "\n") -> None:
        """Print ``line`` unchanged: markup in it is text."""
        self._console.print(line, end=end, soft_wrap=True, highlight=False, markup=False)

    @property
    def _width(self) -> int | None:
        return self._console.width if self._console.is_terminal else None

    def _show_bar(self, progress: Progress) -> None:
        self._bar.progress = progress
        if self._live is not None and not self._live.is_started:
            self._live.start(refresh=True)

    def _hide_bar(self) -> None:
        if self._live is not None:
            self._live.stop()

    def _written(self, event: Writing) -> Text:
        """Return the head of a sample's line, or the next character while there is room."""
        if event.text == "":
            head = sample_head(event, self._width, self._marks)
            self._room = self._console.width - len(self._marks.more) - head.cell_len
            return head
        character, room = event.text.translate(self._marks.controls), self._room
        if cell_len(character) <= room:
            self._room -= cell_len(character)
            return Text(character)
        self._room = -1
        return Text(self._marks.more if room >= 0 else "")


class _Bar:
    """The progress of training on one line. If it is too long, the bar is left out first, and the time left last."""

    def __init__(self, marks: Marks) -> None:
        self.progress: Progress | None = None
        self._marks = marks

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[RenderableType]:
        if self.progress is None:
            return
        parts, width = progress_parts(self.progress), options.max_width - 1
        fitting: list[str] = []
        for name in ("left", "bits", "rate", "share"):
            if sum(len(parts[part]) + 1 for part in [*fitting, name]) <= width:
                fitting.append(name)
        free = min(MAX_BAR, width - 1 - sum(len(parts[part]) + 1 for part in fitting))
        for name in ("bits", "bar", "share", "rate", "left"):
            if name in fitting:
                yield Text(parts[name] + " ", end="")
            elif name == "bar" and self._marks is UNICODE and free >= MIN_BAR:
                yield ProgressBar(self.progress.steps, self.progress.step, width=free)
                yield Text(" ", end="")
