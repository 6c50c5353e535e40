"""Writes docs/cli.md, the page of the terminal commands, from the command itself. `make docs` runs it."""

from __future__ import annotations

import inspect
import re
from pathlib import Path

from cyclopts import App
from pydantic.fields import FieldInfo

from nextchar.cli.app import DONE, FAILED, INTERRUPTED, WRONG_USAGE, app
from nextchar.settings import SamplingSettings, ServeSettings, TextSettings, TrainingSettings

PAGE = Path(__file__).with_name("cli.md")

HEAD = f"""\
# The terminal commands

This page is made from the command itself by [generate_cli.py](generate_cli.py): change the code and run `make docs`,
not this page. `nextchar COMMAND --help` tells the same on the terminal; `nextchar --version` tells the version.

What was asked for (the text written, the facts found; with `--json` one JSON object as the last line) goes to standard
output. Progress, notes and errors go to standard error.

## Exit status

| status | meaning |
|---:|---|
| {DONE} | done |
| {FAILED} | failed; standard error says in a sentence or two why, and what to do |
| {WRONG_USAGE} | wrong usage: the options do not make sense, alone or together |
| {INTERRUPTED} | interrupted; what `nextchar train` had learned is saved, and the command that goes on is printed |

## Environment variables

| variable | meaning |
|---|---|
| `NEXTCHAR_CORPORA` | folder where the texts known by name are looked for first |
| `NEXTCHAR_CACHE` | folder for encoded and fetched texts, instead of the user's cache folder |
| `NEXTCHAR_API_KEY` | key of `nextchar serve`, where `--api-key` is not given: the list of processes does not show it |
| `NO_COLOR` | set to anything: no colours on the terminal |
| `FORCE_COLOR` | set to anything: colours in a file or a pipe, too; what moves the cursor goes to a terminal alone |
| `TERM` | `dumb`, `unknown` or none: no progress bar and no colours, but lines |
| `COLUMNS` | columns of the terminal, instead of those it tells |

## Texts that begin with a dash

`nextchar sample RUN "- Hello" --stop "- "` works as it stands. A text that looks like an option goes after `--`, behind
all options, or behind an equals sign: `nextchar sample RUN --length 80 -- --Hello`, `--prompt=--Hello`, `--stop=--`.

In a stop text, `\\n` and `\\t` stand for a line end and a tab, and `\\\\` for a backslash; a note says so.
"""

DURATION = "Duration"
"""Name of the type, in `nextchar.settings`, of options like 60s; to the command they are numbers."""


def render() -> str:
    """Return the page."""
    names = [name for name in app if not name.startswith("-")]
    contents = "\n".join(f"- [`nextchar {name}`](#nextchar-{name})" for name in names)
    return "\n".join([HEAD, f"## Commands\n\n{contents}\n", *map(section, names)])


def section(name: str) -> str:
    """Return the section of the command ``name``: how it is called, what it does, its options."""
    command: App = app[name]
    usage, options = command.generate_docs(heading_level=3, usage_name=f"nextchar {name}").split(command.help, 1)
    usage = re.sub(r"^### .*", f"### nextchar {name}", usage)
    options = re.sub(r"\n {2,}(?=\S)", " ", options)  # an option a line
    for option, (kind, allowed) in settings_options().items():
        options = re.sub(rf"(`--{option} )\w+`(.*)", rf"\1{kind}`\2{allowed}" if kind else rf"\g<0>{allowed}", options)
    return usage + description(command) + options.rstrip() + "\n"


def description(command: App) -> str:
    """Return what the docstring of the command says before its parameters, a paragraph a line."""
    docstring = inspect.getdoc(command.default_command) or command.help
    paragraphs = docstring.split("\n\nParameters\n")[0].split("\n\n")
    return "\n\n".join(paragraph.replace("\n", " ") for paragraph in paragraphs)


def settings_options() -> dict[str, tuple[str, str]]:
    """Return for each option of the settings what it takes, where the command says it wrongly, and its range."""
    return {
        name.replace("_", "-"): (
            "DURATION" if DURATION in str(settings.__annotations__[name]) else "",
            allowed_range(field),
        )
        for settings in (TextSettings, TrainingSettings, SamplingSettings, ServeSettings)
        for name, field in settings.model_fields.items()
    }


def allowed_range(field: FieldInfo) -> str:
    """Return the range of an option, like `` *[≥ 1, ≤ 8]*``; nothing for one that is no number."""
    signs = {"ge": "≥", "gt": ">", "le": "≤", "lt": "<"}
    bounds = [
        f"{sign} {bound(getattr(limit, key))}"
        for limit in field.metadata
        for key, sign in signs.items()
        if hasattr(limit, key)
    ]
    return f" *[{', '.join(bounds)}]*" if bounds else ""


def bound(value: float) -> str:
    """Return a number for readers."""
    return "2^63" if value == 2**63 else f"{value:,}"


if __name__ == "__main__":
    PAGE.write_text(render(), encoding="utf-8", newline="\n")
