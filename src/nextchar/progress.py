"""What people see while a run goes on, in a terminal, a notebook or a log."""

from __future__ import annotations

from types import TracebackType
from typing import Literal, Self

from rich.console import Console
from rich.progress import BarColumn, TextColumn
from rich.progress import Progress as ProgressBar
from rich.text import Text

from nextchar.events import (
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
from nextchar.settings import describe_duration

Level = Literal["full", "lines", "brief", "silent"]
"""full: a bar, evaluations, and samples as they are written; lines: the same without the bar, samples once written;
brief: what is found and the result; silent."""

_SHOWN: dict[Level, tuple[type, ...]] = {
    "full": (Note, TextRead, Planned, Progress, Evaluated, Writing, Sampled, Recovered, Revised, Finished),
    "lines": (Note, TextRead, Planned, Evaluated, Sampled, Recovered, Revised, Finished),
    "brief": (Note, TextRead, Planned, Recovered, Finished),
    "silent": (),
}


def choose_level(console: Console) -> Level:
    """Return how much to show where nobody said: a bar on a terminal, lines in a notebook, else little."""
    if console.is_jupyter:
        return "lines"
    return "full" if console.is_terminal else "brief"


class ProgressDisplay:
    """Shows the events of one run on a console."""

    def __init__(self, console: Console, level: Level) -> None:
        self._console = console
        self._shown = _SHOWN[level]
        ascii_only = not console.encoding.lower().startswith("utf")
        self._bar = ProgressBar(
            TextColumn("{task.description}"),
            BarColumn() if not ascii_only else TextColumn("{task.percentage:>3.0f} %"),
            TextColumn("{task.fields[rate]:>9,.0f} characters/s"),
            TextColumn("{task.fields[left]} left"),
            console=console,
            transient=True,
            disable=level != "full",
        )
        self._task = self._bar.add_task("starting", total=None, rate=0, left="...", visible=False)

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._bar.stop()

    def show(self, event: Event) -> None:
        """Show ``event`` if it is of a kind that this level shows."""
        if not isinstance(event, self._shown):
            return
        if isinstance(event, Progress):
            self._bar.start()
            self._bar.update(
                self._task,
                description=f"{event.bits_per_character:.3f} bits/character",
                completed=event.step,
                total=event.steps,
                rate=event.characters_per_second,
                left=describe_duration(event.seconds_left),
                visible=True,
            )
        elif isinstance(event, Writing):
            self._bar.stop()  # it would draw itself into the line that is being written
            self._console.print(describe(event), end="", soft_wrap=True, highlight=False, markup=False)
        elif isinstance(event, Sampled) and Writing in self._shown:
            self._console.print()
        else:
            # soft_wrap leaves lines as the model wrote them; markup in a text is text.
            self._console.print(describe(event), soft_wrap=True, highlight=False, markup=False)


def describe(event: Event) -> Text:
    """Return ``event`` in words for people."""
    match event:
        case Note():
            return Text(event.message)
        case TextRead():
            return Text(_describe_text(event))
        case Planned():
            return Text(_describe_plan(event))
        case Evaluated():
            validation = event.validation_bits_per_character
            part = f"{event.scored_characters:,} characters of " if event.scored_characters else ""
            held_out = "" if validation is None else f"{validation:.3f} bits/character on {part}the held-out text, "
            best = " (best so far)" if event.best and validation is not None else ""
            line = (
                f"\nepoch {event.epoch:.2f}, {describe_duration(event.seconds)}: {held_out}"
                f"{event.training_bits_per_character:.3f} on the text learned from{best}"
            )
            return Text(line, style="bold")
        case Writing(text=""):
            return _describe_sample(event.temperature, event.prompt, "")
        case Writing():
            return Text(event.text)
        case Sampled():
            return _describe_sample(event.temperature, event.prompt, event.text.rstrip())
        case Recovered():
            return Text(
                f"Training diverged at step {event.step:,} ({event.bits_per_character:.2f} bits/character): "
                f"back to step {event.back_to:,} with {event.rate_scale:g} of the planned learning rate.",
                style="yellow",
            )
        case Revised():
            change = "faster" if event.steps > event.planned_steps else "slower"
            return Text(
                f"The machine is {change} than it was when it was measured: {event.steps:,} steps instead of "
                f"{event.planned_steps:,} fill the time."
            )
        case Finished():
            return Text(_describe_end(event), style="bold")
        case _:
            return Text(event.model_dump_json())


def _describe_text(event: TextRead) -> str:
    names = ", ".join(event.names[:3]) + (f" and {len(event.names) - 3} more" if len(event.names) > 3 else "")
    rare = f", {event.rare:,} of them too rare to learn" if event.rare else ""
    held_out = (
        f"; learning from {event.training_characters:,}, the last {event.validation_characters:,} are held out"
        if event.validation_characters
        else "; nothing is held out"
    )
    return f"{names}: {event.characters:,} characters, {event.distinct:,} distinct{rare}{held_out}."


def _describe_sample(temperature: float, prompt: str, text: str) -> Text:
    return Text.assemble((f"temperature {temperature}  ", "cyan"), (prompt, "dim"), text)


def _describe_plan(event: Planned) -> str:
    plan = event.plan
    sizes = " + ".join(str(size) for size in plan.hidden)
    time = "" if event.expected_seconds is None else f", about {describe_duration(event.expected_seconds)}"
    if plan.windows is None:
        fed = f"{plan.steps:,} steps of {plan.streams} × {plan.window} characters"
    else:
        epochs = plan.steps / (plan.epoch_steps or 1)
        fed = (
            f"{epochs:.3g} passes over {plan.windows:,} windows of {plan.window} characters, one every {plan.stride}, "
            f"in {plan.steps:,} steps of {plan.streams} windows"
        )
    return f"LSTM of {sizes} units, {event.parameters:,} parameters, on {event.device}: {fed}{time}."


def _describe_end(event: Finished) -> str:
    bits = event.validation_bits_per_character
    reached = "" if bits is None else f": {bits:.3f} bits per character on the held-out text"
    done = "Stopped and saved" if event.interrupted else "Done"
    return f"{done} after {describe_duration(event.seconds)} of training and {event.step:,} steps{reached}."
