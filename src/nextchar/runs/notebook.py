"""The progress of a run in a notebook: one output that grows, with long lines wrapped."""

# IPython types its functions only partly.
# pyright: reportUnknownVariableType=false

from __future__ import annotations

from html import escape
from types import TracebackType
from typing import Any, Self

from nextchar.runs.event_words import describe
from nextchar.training.events import Event, Progress, Saved, Writing

STYLE = "white-space:pre-wrap;overflow-wrap:anywhere;margin:0"


class NotebookDisplay:
    """Shows the events of a run in a single output of a notebook cell."""

    def __init__(self) -> None:
        self._lines: list[str] = []
        self._progress: Progress | None = None
        self._handle: Any = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._progress is not None:
            self._progress = None
            self._update()

    def show(self, event: Event) -> None:
        """Add ``event`` to the output; a `Progress` replaces the previous one, in the last line."""
        if isinstance(event, Writing | Saved):
            return
        if isinstance(event, Progress):
            self._progress = event
        else:
            self._lines.append(describe(event).plain)
        self._update()

    def _update(self) -> None:
        from IPython.display import display

        shown = {"text/html": self._html(), "text/plain": "\n".join(self._lines)}
        if self._handle is None:
            self._handle = display(shown, raw=True, display_id=True)
        else:
            self._handle.update(shown, raw=True)

    def _html(self) -> str:
        lines = f'<pre style="{STYLE}">{escape(chr(10).join(self._lines))}</pre>'
        done = self._progress
        if done is None:
            return lines
        return lines + (
            f'<pre style="{STYLE}"><progress value="{done.step}" max="{done.steps}"></progress> '
            f"{escape(describe(done).plain)}</pre>"
        )
