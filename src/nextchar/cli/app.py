"""The command itself: its subcommands, and how its errors and exit statuses come about.

Exit status: 0 done, 1 failed, 2 wrong usage, 130 interrupted (what was trained is saved).
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import Any

from cyclopts import App, CycloptsError

from nextchar.errors import NextcharError, UsageError

DONE, FAILED, WRONG_USAGE, INTERRUPTED = 0, 1, 2, 130


def _version() -> str:
    from importlib.metadata import version

    return version("nextchar")


app = App(
    name="nextchar",
    help="Train a small character-level language model on your own text, and write with it.",
    version_flags=["--version"],
    version=_version,
    help_format="plaintext",
    result_action="return_value",
    suppress_keyboard_interrupt=False,
)
# Each module is loaded when its command is asked for, so that no command waits for what another one needs.
app.command("nextchar.cli.train:train", name="train", help="Train a model on your text, or resume a run.")
app.command("nextchar.cli.write:sample", name="sample", help="Write text with a model.")
app.command("nextchar.cli.evaluate:evaluate", name="evaluate", help="Score a text: bits per character.")
app.command(
    "nextchar.cli.inspect:inspect",
    name="inspect",
    help="Tell what is in a text and what would be trained on it.",
)
app.command("nextchar.cli.facts:info", name="info", help="Tell what is in a model file.")
app.command("nextchar.cli.facts:report", name="report", help="Write the report of a run: one HTML page.")
app.command("nextchar.cli.serve:serve", name="serve", help="Open a page to play with models, and an API.")
app.command(
    "nextchar.cli.convert:convert",
    name="convert",
    help="Convert a model from Keras, or to it.",
)
app.command("nextchar.cli.facts:corpora", name="corpora", help="List the texts known by name.")
app.command("nextchar.cli.train:demo", name="demo", help="Do the whole thing on the built-in text.")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command with ``arguments``, those of the process by default, and return its exit status."""
    prepare_streams()
    given = sys.argv[1:] if arguments is None else arguments
    tokens = [_StandardInput(token) if token == "-" else token for token in given]
    try:
        status = app(tokens, exit_on_error=False, print_error=False)
        sys.stdout.flush()
    except (CycloptsError, ValueError) as error:
        return _fail(_explained(error), WRONG_USAGE)
    except UsageError as error:
        return _fail(str(error), WRONG_USAGE)
    except NextcharError as error:
        return _fail(str(error), FAILED)
    except BrokenPipeError:
        # Whoever read the output (head, less) has had enough; Python must not complain when it closes the stream.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    except KeyboardInterrupt:
        return _fail("interrupted", INTERRUPTED)
    except OSError as error:
        return _fail(f"{error.strerror or error}" + (f": {error.filename}" if error.filename else ""), FAILED)
    return status if isinstance(status, int) else DONE


class _StandardInput(str):
    """The argument ``-``, which cyclopts would take for an option, since it begins with a hyphen."""

    __slots__ = ()

    def startswith(self, *_: Any) -> bool:
        return False


def prepare_streams() -> None:
    """Let no character that the terminal's encoding lacks end the program: it is shown as ``?`` instead."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="replace")


def _explained(error: Exception) -> str:
    """Return what was wrong with the options, in our words where pydantic found it."""
    from pydantic import ValidationError

    from nextchar.settings import Settings, explain

    for found in (error, error.__cause__):
        if isinstance(found, ValidationError):
            return explain(Settings, found)
    if isinstance(error, CycloptsError):
        return str(error)
    raise error  # a ValueError that is a bug of ours


def _fail(message: str, status: int) -> int:
    print(f"nextchar: {message}", file=sys.stderr)
    return status
