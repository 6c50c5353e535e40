"""Events in words: a line for people, whatever shows it."""

from __future__ import annotations

from typing import NamedTuple

from rich.cells import cell_len
from rich.text import Text

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


class Marks(NamedTuple):
    """The signs used to show a sample on one line."""

    controls: dict[int, str]
    """Signs for its control characters, none of which reaches the terminal."""
    more: str
    """The sign where it is cut."""


UNICODE = Marks({**dict.fromkeys([*range(32), *range(127, 160)], "·"), ord("\n"): "⏎", ord("\t"): " "}, "…")
ASCII = Marks({**dict.fromkeys(UNICODE.controls, "?"), ord("\n"): "/", ord("\t"): " "}, "...")

PROMPT_SHARE = 1 / 3
"""Largest share of a sample's line that its prompt takes."""
MOST_NEW = 5
"""Most new characters of a model that are shown one by one."""
WIDE = 40
"""Columns from which the line of a sample explains its number."""


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
