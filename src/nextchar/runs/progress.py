"""The progress of a run, on a terminal or in a log file."""

from __future__ import annotations

from collections.abc import Iterator
from types import TracebackType
from typing import Literal, NamedTuple, Self

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.text import Text

from nextchar.runs.screen import wrap_words
from nextchar.settings import describe_duration
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
from nextchar.training.feeding import Lines, Streams, Windows

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


class Marks(NamedTuple):
    """The signs used to show a sample on one line."""

    controls: dict[int, str]
    """Signs for its control characters, none of which reaches the terminal."""
    more: str
    """The sign where it is cut."""


UNICODE = Marks({**dict.fromkeys([*range(32), *range(127, 160)], "·"), ord("\n"): "⏎", ord("\t"): " "}, "…")
ASCII = Marks({**dict.fromkeys(UNICODE.controls, "?"), ord("\n"): "/", ord("\t"): " "}, "...")

MIN_BAR, MAX_BAR = 8, 40
"""Columns of the bar; it is left out if fewer are free."""
PROMPT_SHARE = 1 / 3
"""Largest share of a sample's line that its prompt takes."""
REVISED_SHARE = 0.1
"""Share of the steps by which they change before that is shown: the clock changes them a little all the time."""
MOST_NEW = 5
"""Most new characters of a model that are shown one by one."""
WIDE = 40
"""Columns from which the line of a sample explains its number."""


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


def progress_parts(event: Progress) -> dict[str, str]:
    """Return texts for the bits per character, the share done, the rate and the time left."""
    return {
        "bits": f"{event.bits_per_character:.3f} bits/character",
        "share": f"{100 * event.step / event.steps:.0f} %",
        "rate": f"{event.characters_per_second:,.0f} characters/s",
        "left": f"{describe_duration(event.seconds_left)} left",
    }


def describe(event: Event) -> Text:
    """Return ``event`` as text for people."""
    match event:
        case Progress():
            return Text(", ".join(progress_parts(event).values()))
        case Note():
            return Text(event.message)
        case TextRead() | BaseRead() | Planned() | Counted():
            return Text(_describe_before(event))
        case Evaluated():
            validation = event.validation_bits_per_character
            part = f"{event.scored_characters:,} characters of " if event.scored_characters else ""
            held_out = "" if validation is None else f"{validation:.3f} bits/character on {part}the held-out text, "
            best = " (best so far)" if event.best and validation is not None else ""
            line = (
                f"\nepoch {event.epoch:.2f}, {describe_duration(event.seconds)}: {held_out}"
                f"{event.training_bits_per_character:.3f} on the training text{best}"
            )
            return Text(line, style="bold")
        case Writing(text=""):
            return sample_head(event)
        case Writing():
            return Text(event.text)
        case Sampled():
            return sample_line(event)
        case Recovered():
            return Text(
                f"Training diverged at step {event.step:,} ({event.bits_per_character:.2f} bits/character): "
                f"back to step {event.back_to:,} with {event.rate_scale:g} of the planned learning rate.",
                style="yellow",
            )
        case Revised():
            change = "faster" if event.steps > event.planned_steps else "slower"
            return Text(
                f"The machine is {change} than measured before: {event.steps:,} steps instead of "
                f"{event.planned_steps:,} fill the time."
            )
        case Finished():
            return Text(_describe_end(event), style="bold")
        case _:
            return Text(event.model_dump_json())


def _describe_before(event: TextRead | BaseRead | Planned | Counted) -> str:
    """Return what is known before training, or instead of it."""
    match event:
        case TextRead():
            return _describe_text(event)
        case BaseRead():
            return _describe_base(event)
        case Planned():
            return _describe_plan(event)
        case Counted():
            return _describe_counts(event)


_TOKENS = {"bytes": "bytes", "jamo": "jamo and other characters", "words": "words and characters"}
"""What tokens are called."""


def _describe_text(event: TextRead) -> str:
    names = ", ".join(event.names[:3]) + (f" and {len(event.names) - 3} more" if len(event.names) > 3 else "")
    rare = f", {event.rare:,} of them too rare to learn" if event.rare else ""
    lines = "" if event.lines is None else f"{event.lines:,} lines, "
    learned = f"{lines}{event.characters:,} characters, {event.distinct:,} distinct{rare}"
    if event.tokens != "characters":
        learned += f", read as {event.token_count or 0:,} {_TOKENS[event.tokens]}"
        if event.tokens == "words":
            learned += f" ({event.vocabulary_size:,} different ones)"
    return f"{names}: {learned}{_describe_held_out(event)}."


def _describe_held_out(event: TextRead) -> str:
    if not event.validation_characters:
        return "; nothing is held out"
    held_out = event.held_out_characters or event.validation_characters
    if event.lines is not None:
        return f"; learning from {event.training_characters:,}, {held_out:,} in lines from everywhere are held out"
    at_end = len(event.names) == 1 or event.held_out_characters is None  # older runs held out the joined end
    last = f"the last {held_out:,}" if at_end else f"{held_out:,} at the ends of the texts"
    scored = "" if held_out == event.validation_characters else f", {event.validation_characters:,} of them scored"
    return f"; learning from {event.training_characters:,}, {last} are held out{scored}"


def _describe_base(event: BaseRead) -> str:
    """Return what the model that training starts from knows, and how good it is before."""
    known = f"Starting from {event.name}, which knows {event.known:,} of the characters"
    begin = [f"{new!r} begins as {repr(old) if old else 'the unknown symbol'}" for new, old in event.new[:MOST_NEW]]
    more = [f"{len(event.new) - MOST_NEW:,} more"] if len(event.new) > MOST_NEW else []
    new = f"; {_are(len(event.new))} new: {', '.join(begin + more)}" if event.new else ""
    left = f"; {_are(len(event.left_out), ' of its characters')} left out" if event.left_out else ""
    bits = event.validation_bits_per_character
    part = f"{event.scored_characters:,} characters of the held-out text"
    before = "" if bits is None else f" Before training it needs {bits:.3f} bits/character on {part}."
    return f"{known}{new}{left}.{before}"


def _are(count: int, of: str = "") -> str:
    """Return so many ``of`` something as the beginning of a sentence."""
    return f"{count:,}{of} {'is' if count == 1 else 'are'}"


def sample_head(event: Writing | Sampled, width: int | None = None, marks: Marks = UNICODE) -> Text:
    """Return the head of a sample's line: its temperature and its prompt. If the prompt is long, a line of ``width``
    columns shows only its end."""
    label = f"{'temperature ' if width is None or width >= WIDE else ''}{event.temperature}  "
    prompt = event.prompt.translate(marks.controls)
    room = None if width is None else max(0, int((width - len(label)) * PROMPT_SHARE))
    if room is not None and cell_len(prompt) > room:
        while prompt and cell_len(marks.more + prompt) > room:
            prompt = prompt[1:]
        prompt = prompt and marks.more + prompt
    return Text.assemble((label, "cyan"), (prompt, "dim"))


def sample_line(event: Sampled, width: int | None = None, marks: Marks = UNICODE) -> Text:
    """Return a sample as one line, with a sign for each line end, cut to ``width`` columns if given."""
    line = sample_head(event, width, marks).append(event.text.rstrip().translate(marks.controls))
    if width is not None and line.cell_len > width:
        line.truncate(max(0, width - len(marks.more)))
        line.append(marks.more)
    return line


def _describe_plan(event: Planned) -> str:
    plan, unit = event.plan, "characters" if event.tokens == "characters" else "tokens"
    sizes = " + ".join(str(size) for size in plan.hidden)
    time = "" if event.expected_seconds is None else f", about {describe_duration(event.expected_seconds)}"
    if event.expected_total_seconds is not None:
        time += f" of training, about {describe_duration(event.expected_total_seconds)} in all"
    match plan.feeding:
        case Streams(batch=batch, window=window):
            fed = f"{plan.steps:,} steps of {batch} × {window} {unit}"
        case Lines(batch=batch, window=window):
            fed = f"{plan.steps:,} steps of {batch} lines, about {batch * window:,} {unit}"
        case Windows() as windows:
            fed = (
                f"{plan.steps / windows.epoch_steps:.3g} passes over {windows.count:,} windows of {windows.window} "
                f"characters, one every {windows.stride}, in {plan.steps:,} steps of {windows.batch} windows"
            )
    return f"LSTM of {sizes} units, {event.parameters:,} parameters, on {event.device}: {fed}{time}."


def _describe_counts(event: Counted) -> str:
    unit = "characters" if event.tokens == "characters" else "tokens"
    return (
        f"{event.ngrams:,} n-grams of up to {event.order + 1} {unit}, counted in {event.characters:,} {unit} "
        f"in {describe_duration(event.seconds)}."
    )


def _describe_end(event: Finished) -> str:
    bits = event.validation_bits_per_character
    reached = "" if bits is None else f": {bits:.3f} bits per character on the held-out text"
    if bits is not None and event.characters_per_line is not None:
        reached = (
            f": {bits * event.characters_per_line:.2f} bits per line, {bits:.3f} per character, on the held-out lines"
        )
    if bits is not None and event.characters_per_byte is not None:
        reached = (
            f": {bits:.3f} bits per character, {bits * event.characters_per_byte:.3f} per byte, on the held-out text"
        )
    if event.network_bits_per_character is not None:
        reached += f" ({event.network_bits_per_character:.3f} without the memory)"
    if bits is not None and event.base is not None:
        reached += f", starting from {event.base}"
    if bits is not None and event.unknown_characters:
        count = event.unknown_characters
        reached += f", in which {count:,} {'character is' if count == 1 else 'characters are'} unknown to the model"
    done = "Stopped and saved" if event.interrupted else "Done"
    counted = event.step == 0 and not event.interrupted
    work = "counting" if counted else f"training and {event.step:,} steps"
    return f"{done} after {describe_duration(event.seconds)} of {work}{reached}."
