"""Generates docs/cli.md, the page of terminal commands, from the command itself. `make docs` runs it."""

from __future__ import annotations

import inspect
import re
from pathlib import Path

from cyclopts import App
from pydantic.fields import FieldInfo

from nextchar.cli.app import DONE, FAILED, INTERRUPTED, WRONG_USAGE, app
from nextchar.model.list_settings import ListSettings
from nextchar.settings import SamplingSettings, ServeSettings, TextSettings, TrainingSettings, flag

PAGE = Path(__file__).parents[1] / "docs/cli.md"

HEAD = f"""\
# The terminal commands

[generate_cli.py](../scripts/generate_cli.py) generates this page from the command itself: change the code and run `make
docs`, do not edit this page. `nextchar COMMAND --help` shows the same in the terminal; `nextchar --version` shows the
version.

Generated text and results go to standard output; with `--json` its last line is one JSON object. Progress, notes and
errors go to standard error.

## Exit status

| status | meaning |
|---:|---|
| {DONE} | done |
| {FAILED} | failed; standard error says why, and what to do |
| {WRONG_USAGE} | wrong usage: an option is invalid, or options contradict each other |
| {INTERRUPTED} | interrupted; `nextchar train` saves its progress and prints the command to resume |

## Environment variables

| variable | meaning |
|---|---|
| `NEXTCHAR_CORPORA` | folder that is searched first for texts known by name |
| `NEXTCHAR_CACHE` | folder for encoded and downloaded texts, instead of the user's cache folder |
| `NEXTCHAR_API_KEY` | API key of `nextchar serve` if `--api-key` is not given; keeps it out of the process list |
| `NEXTCHAR_SHARDS` | number of shards of `nextchar score`, where only `JOB_COMPLETION_INDEX` is known |
| `NO_COLOR` | set to anything: no colours on the terminal |
| `FORCE_COLOR` | set to anything: colours in files and pipes too; cursor movements still go to terminals only |
| `TERM` | `dumb`, `unknown` or unset: plain lines without progress bar or colours |
| `COLUMNS` | width of the terminal, instead of the detected one |

## Texts that begin with a dash

`nextchar sample RUN "- Hello" --stop "- "` works as it is. Put a text that looks like an option after `--` at the
end, or after an equals sign: `nextchar sample RUN --length 80 -- --Hello`, `--prompt=--Hello`, `--stop=--`.

In a stop text, `\\n` and `\\t` mean a line end and a tab, and `\\\\` a backslash; a note says so.
"""

DURATION = "Duration"
"""Name of the type in `nextchar.settings` for options like 60s; the command sees numbers."""


def render() -> str:
    """Return the page."""
    names = [name for name in app if not name.startswith("-")]
    contents = "\n".join(f"- [`nextchar {name}`](#nextchar-{name})" for name in names)
    return "\n".join([HEAD, f"## Commands\n\n{contents}\n", *map(section, names)])


def section(name: str) -> str:
    """Return the section of the command ``name``: usage, description, options."""
    command: App = app[name]
    usage, options = command.generate_docs(heading_level=3, usage_name=f"nextchar {name}").split(command.help, 1)
    usage = re.sub(r"^### .*", f"### nextchar {name}", usage)
    options = re.sub(r"\n {2,}(?=\S)", " ", options)  # an option a line
    for option, (kind, allowed) in settings_options(name).items():
        options = re.sub(rf"(`--{option} )\w+`(.*)", rf"\1{kind}`\2{allowed}" if kind else rf"\g<0>{allowed}", options)
    return usage + description(command) + options.rstrip() + "\n"


def description(command: App) -> str:
    """Return the command's docstring up to its parameters, one line for each paragraph."""
    docstring = inspect.getdoc(command.default_command) or command.help
    paragraphs = docstring.split("\n\nParameters\n")[0].split("\n\n")
    return "\n\n".join(paragraph.replace("\n", " ") for paragraph in paragraphs)


def settings_options(command: str) -> dict[str, tuple[str, str]]:
    """Return for each option of ``command`` its type, where the command names it wrongly, and its range."""
    others = (TextSettings, TrainingSettings, SamplingSettings, ServeSettings)
    return {
        flag(name).removeprefix("--"): (
            "DURATION" if DURATION in str(settings.__annotations__[name]) else "",
            allowed_range(field),
        )
        for settings in ((ListSettings,) if command == "list" else others)
        for name, field in settings.model_fields.items()
    }


def allowed_range(field: FieldInfo) -> str:
    """Return the range of an option, like `` *[≥ 1, ≤ 8]*``; nothing if it is not a number."""
    signs = {"ge": "≥", "gt": ">", "le": "≤", "lt": "<"}
    bounds = [
        f"{sign} {bound(getattr(limit, key))}"
        for limit in field.metadata
        for key, sign in signs.items()
        if hasattr(limit, key)
    ]
    return f" *[{', '.join(bounds)}]*" if bounds else ""


def bound(value: float) -> str:
    """Return a number formatted for readers."""
    return "2^63" if value == 2**63 else f"{value:,}"


if __name__ == "__main__":
    PAGE.write_text(render(), encoding="utf-8", newline="\n")
