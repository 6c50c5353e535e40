"""The command itself: its subcommands, errors and exit statuses.

Exit status: 0 done, 1 failed, 2 wrong usage, 130 interrupted (training is saved).
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

from cyclopts import App, CycloptsError

from nextchar.cli.console import note
from nextchar.cli.dashes import as_tokens, explain_usage
from nextchar.cli.streams import flush_output, prepare_streams
from nextchar.errors import NextcharError, UsageError, shortened

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
# The module of a command is loaded with the command, so that none waits for what another needs.
app.command("nextchar.cli.train:train", name="train", help="Train a model on your text, or resume a run.")
app.command("nextchar.cli.sample:sample", name="sample", help="Write text with a model.")
app.command("nextchar.cli.list:list_entries", name="list", help="Write new entries like those of a list.")
app.command("nextchar.cli.evaluate:evaluate", name="evaluate", help="Score a text: bits per character.")
app.command("nextchar.cli.compare:compare", name="compare", help="Compare runs: settings, results, samples.")
app.command("nextchar.cli.score:score", name="score", help="Score many texts, or each line of them.")
app.command("nextchar.cli.who:who", name="who", help="Say which of several models a text is most like.")
app.command("nextchar.cli.rank:rank", name="rank", help="Re-order candidates for a text, the most probable first.")
app.command(
    "nextchar.cli.inspect:inspect",
    name="inspect",
    help="Show what a text contains and how training on it would go.",
)
app.command("nextchar.cli.info:info", name="info", help="Show what a model file contains.")
app.command("nextchar.cli.report:report", name="report", help="Write the report of a run: one HTML page.")
app.command("nextchar.cli.serve:serve", name="serve", help="Serve a page to play with models, and an API.")
app.command(
    "nextchar.cli.convert:convert",
    name="convert",
    help="Convert a model from or to Keras, or to ONNX or a web page.",
)
app.command("nextchar.cli.corpora:corpora", name="corpora", help="List the texts that have a name.")
app.command("nextchar.cli.train:demo", name="demo", help="Train on the built-in text and write a page.")


def run(arguments: Sequence[str]) -> int:
    """Run the command with ``arguments`` and return its exit status."""
    prepare_streams()
    try:
        status = app(as_tokens(arguments), exit_on_error=False, print_error=False)
        flush_output()
    except (CycloptsError, ValueError) as error:
        return _fail(_explained(error, arguments), WRONG_USAGE)
    except UsageError as error:
        return _fail(str(error), WRONG_USAGE)
    except NextcharError as error:
        return _fail(str(error), FAILED)
    except BrokenPipeError:  # the reader of the output (head, less) has quit
        return _fail(None, FAILED)
    except KeyboardInterrupt:
        return _fail("interrupted", INTERRUPTED)
    except OSError as error:
        place = f": {shortened(str(error.filename))}" if error.filename else ""
        return _fail(f"{error.strerror or error}{place}", FAILED)
    return status if isinstance(status, int) else DONE


def _explained(error: Exception, arguments: Sequence[str]) -> str:
    """Return what is wrong with the options, in our words if pydantic found it."""
    from pydantic import ValidationError

    from nextchar.settings import Settings, explain

    for found in (error, error.__cause__):
        if isinstance(found, ValidationError):
            return explain(Settings, found)
    if isinstance(error, CycloptsError):
        return explain_usage(error, arguments)
    raise error  # a bug of ours


def _fail(message: str | None, status: int) -> int:
    """Flush standard output, then write ``message`` to standard error."""
    with suppress(OSError, NextcharError):
        flush_output()
    if message is not None:
        note(message)
    return status
