"""`nextchar sample`."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter
from pydantic import Field

from nextchar.cli.app import DONE
from nextchar.cli.console import (
    as_typed,
    note,
    note_carried,
    note_compiling,
    print_json,
    read_standard_input,
    write_text,
)
from nextchar.cli.tracing import copied_json, traced
from nextchar.errors import UsageError
from nextchar.settings import MIN_RUN, SamplingSettings, Settings, Weights
from nextchar.text.labels import split_label

if TYPE_CHECKING:
    from nextchar.model.continuation import Prompt
    from nextchar.model.language_model import LanguageModel

Flag = Annotated[bool, Parameter(negative=())]


SIDE_BY_SIDE = 8
"""Number of texts from which on they are written side by side instead of one after another."""
ESCAPES = {r"\n": ("\n", "a line end"), r"\t": ("\t", "a tab"), r"\\": ("\\", "a backslash")}
"""Escapes in a stop text, the character that each stands for, and its name."""


class WritingOptions(Settings):
    """How many texts are written, how the model computes, and what is shown of the prompt."""

    count: int = Field(
        default=1,
        description="Texts to write, each followed by an empty line if there are several; many are written side by "
        "side.",
    )
    carry_state: Flag = Field(
        default=False,
        description="Let a model that was trained in windows carry its state from character to character: many times "
        "faster, with other probabilities.",
    )
    weights: Weights = Field(
        default="float32",
        description="int8 rounds the weights to eight bits: large models are about twice as fast and score a little "
        "worse.",
    )
    label: str | None = Field(
        default=None,
        description="Write an entry of this kind, with a model of a list with labels: nextchar train --label-column.",
    )
    echo: bool = Field(default=True, description="Write the prompt, as the model reads it, before its continuation.")
    trace: int | None = Field(
        default=None,
        ge=1,
        description="Mark runs of N characters or more that stand in the training text, and list the file and the line "
        f"of each; {MIN_RUN} without a number. The text is written when it is complete.",
    )
    strict: Flag = Field(
        default=False,
        description="Refuse a prompt with characters that the model does not know, instead of replacing them.",
    )


def sample(
    model: Path,
    prompt: str = "",
    *,
    settings: Annotated[SamplingSettings, Parameter(name="*")] = SamplingSettings(),  # noqa: B008 (immutable)
    options: Annotated[WritingOptions, Parameter(name="*")] = WritingOptions(),  # noqa: B008 (immutable)
    json: Flag = False,
) -> int:
    """Write text with a model, each character as soon as it is drawn.

    Parameters
    ----------
    model
        A run folder or a model file.
    prompt
        The text to continue; - reads it from standard input. Put a text that looks like an option after --.
    json
        Print the prompt, the texts and the settings as one JSON object instead.
    """
    from nextchar.model.language_model import LanguageModel
    from nextchar.randomness import choose_seed

    if options.count < 1:
        raise UsageError(f"--count {options.count} is not allowed: write one text or more.")
    language_model = LanguageModel.load(model, carry_state=options.carry_state, weights=options.weights)
    if options.carry_state:
        note_carried(language_model)
    typed = read_standard_input() if prompt == "-" else as_typed(prompt)
    if options.trace is not None:
        _ = language_model.source_text  # an error if it is not there
    read = typed if options.label is None else language_model.labelled(options.label, typed)
    folded = _fold(language_model, read, settings, options)
    shown = folded.text if options.label is None else split_label(folded.text)[1]
    seed = choose_seed(settings.seed)
    sampling = {**settings.model_dump(), "stop": _stops(settings, options), "seed": seed}
    texts = _texts(language_model, folded, options.count, sampling)
    if json:
        written = ["".join(text) for text in texts]
        found = {} if options.trace is None else {"copied": copied_json(language_model, folded, written, options.trace)}
        print_json({"prompt": typed, "prompt_as_read": folded.text, "texts": written, "settings": sampling, **found})
        return DONE
    end = "\n" if options.count == 1 else "\n\n"
    for text in texts:
        if options.trace is not None:
            write_text(chain(traced(language_model, folded.text, "".join(text), options.trace, echo=options.echo), end))
        else:
            write_text(chain(shown if options.echo else "", text, end))
    if settings.seed is None and sys.stderr.isatty():
        note("to reproduce this text", f"--seed {seed}")
    return DONE


def _fold(model: LanguageModel, prompt: str, settings: SamplingSettings, options: WritingOptions) -> Prompt:
    """Return ``prompt`` as the model reads it, with a note on what was replaced; load what writing needs."""
    with note_compiling():
        characters = settings.length * (options.count if options.count >= SIDE_BY_SIDE else 1)
        folded = model.fold_prompt(prompt, characters=characters, strict=options.strict, adapt=settings.adapt)
    if replacements := folded.replacements:
        shown = "; ".join(map(str, replacements[:10])) + ("; ..." if len(replacements) > 10 else "")
        note(f"the model does not know all of the prompt: {shown}")
    return folded


def _texts(model: LanguageModel, prompt: Prompt, count: int, sampling: dict[str, Any]) -> Iterable[Iterable[str]]:
    """Return ``count`` texts that continue ``prompt``, each in pieces."""
    if count >= SIDE_BY_SIDE:
        return model.generate_many(prompt, count, **sampling)
    return (model.stream(prompt, text=number, **sampling) for number in range(count))


def _stops(settings: SamplingSettings, options: WritingOptions) -> tuple[str, ...]:
    """Return what ends a text: what is asked for, and the line end of an entry with a label."""
    return (*map(_read_stop, settings.stop), *(() if options.label is None else ("\n",)))


def _read_stop(argument: str) -> str:
    """Return the stop text; line ends and tabs, hard to type in a shell, are typed as in Python."""
    typed = as_typed(argument)
    found = dict.fromkeys(re.findall("|".join(map(re.escape, ESCAPES)), typed))
    if not found:
        return typed
    note(f"--stop {typed}: " + ", ".join(f"{escape} is read as {ESCAPES[escape][1]}" for escape in found))
    return re.sub("|".join(map(re.escape, ESCAPES)), lambda match: ESCAPES[match[0]][0], typed)
