"""`nextchar sample`."""

from __future__ import annotations

import re
import sys
from itertools import chain
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

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
from nextchar.settings import SamplingSettings, Weights

SIDE_BY_SIDE = 8
"""Texts from which on they are written side by side instead of one after another."""
ESCAPES = {r"\n": ("\n", "a line end"), r"\t": ("\t", "a tab"), r"\\": ("\\", "a backslash")}
"""What is typed in a stop text, what it stands for, and its name."""


def sample(
    model: Path,
    prompt: str = "",
    *,
    settings: Annotated[SamplingSettings, Parameter(name="*")] = SamplingSettings(),  # noqa: B008 (immutable)
    count: int = 1,
    carry_state: Annotated[bool, Parameter(negative=())] = False,
    weights: Weights = "float32",
    echo: bool = True,
    strict: Annotated[bool, Parameter(negative=())] = False,
    json: Annotated[bool, Parameter(negative=())] = False,
) -> int:
    """Write text with a model, each character as soon as it is drawn.

    Parameters
    ----------
    model
        A run folder or a model file.
    prompt
        What to go on from; - reads it from standard input, and one that looks like an option goes after --.
    count
        Texts to write, each followed by an empty line when there are several; many are written side by side.
    carry_state
        Let a model that was trained in windows carry its state on from character to character: many times faster, and
        its probabilities are then others.
    weights
        int8 rounds the weights to eight bits: large models are about twice as fast, and score a little worse.
    echo
        Write the prompt, as the model read it, before what goes on from it.
    strict
        Refuse a prompt with characters that the model does not know, instead of replacing them.
    json
        Print the prompt, the texts and the settings as one JSON object instead.
    """
    from nextchar.model.language_model import LanguageModel
    from nextchar.randomness import choose_seed

    if count < 1:
        from nextchar.errors import UsageError

        raise UsageError(f"--count {count} is not allowed: write one text or more.")
    language_model = LanguageModel.load(model, carry_state=carry_state, weights=weights)
    if carry_state:
        note_carried(language_model)
    given = read_standard_input() if prompt == "-" else as_typed(prompt)
    side_by_side = count >= SIDE_BY_SIDE
    with note_compiling():
        characters = count * settings.length if side_by_side else settings.length
        folded = language_model.fold_prompt(given, characters=characters, strict=strict)
    if replacements := folded.replacements:
        shown = "; ".join(map(str, replacements[:10])) + ("; ..." if len(replacements) > 10 else "")
        note(f"the model does not know all of the prompt: {shown}")
    seed = choose_seed(settings.seed)
    options: dict[str, Any] = {**settings.model_dump(), "stop": tuple(map(_read_stop, settings.stop)), "seed": seed}
    if side_by_side:
        texts = map(iter, language_model.generate_many(folded, count, **options))
    else:
        texts = (language_model.stream(folded, text=number, **options) for number in range(count))
    if json:
        written = ["".join(text) for text in texts]
        print_json({"prompt": given, "prompt_as_read": folded.text, "texts": written, "settings": options})
        return DONE
    for text in texts:
        write_text(chain(folded.text if echo else "", text, "\n" if count == 1 else "\n\n"))
    if settings.seed is None and sys.stderr.isatty():
        note("to reproduce this text", f"--seed {seed}")
    return DONE


def _read_stop(argument: str) -> str:
    """Return the stop text that is meant: line ends and tabs, hard to type in a shell, are typed as in Python."""
    typed = as_typed(argument)
    found = dict.fromkeys(re.findall("|".join(map(re.escape, ESCAPES)), typed))
    if not found:
        return typed
    note(f"--stop {typed}: " + ", ".join(f"{escape} is read as {ESCAPES[escape][1]}" for escape in found))
    return re.sub("|".join(map(re.escape, ESCAPES)), lambda match: ESCAPES[match[0]][0], typed)
