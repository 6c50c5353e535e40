"""The door for the terminal: `nextchar`.

Read in this order; a module imports only from those before it:

- `streams`: the three standard streams made safe: closed, full, without a reader, or in an encoding that lacks
  characters.
- `dashes`: arguments that begin with a dash: options or texts.
- `console`: what the commands print: notes on standard error, facts, text and JSON on standard output.
- `text_options`: how a text to learn from is read: the options of `train` and `inspect`.
- `cells`: characters as a terminal draws them, and nothing that commands it.
- `columns`: columns of text side by side, whatever the width of their characters.
- `surprise`: a text coloured by surprise, and its most surprising places.
- `scored_text`: the text that a command scores: one that is named, or the held-out text of a run.
- `differences`: models beside each other on one text.
- `html_file`: the HTML file that a command writes.
- `app`: the command itself: its subcommands, errors and exit statuses.
- `convert`: `nextchar convert`.
- `list_figures`: the figures of a list: bits of a line, and of the entries of each label.
- `evaluate`: `nextchar evaluate`.
- `shard`: the share of the files that one of several processes takes.
- `score_folder`: the files of scores of `nextchar score --out`.
- `entries`: what it reads: lines, or records with a column of text.
- `score_rows`: what it prints for each.
- `score`: `nextchar score`.
- `authors`: the models that `nextchar who` compares with, calibrated.
- `who`: `nextchar who`.
- `rank`: `nextchar rank`.
- `info`: `nextchar info`.
- `report`: `nextchar report`.
- `compare`: `nextchar compare`.
- `corpora`: `nextchar corpora`.
- `inspect`: `nextchar inspect`.
- `tracing`: what a text copies from the training text: marks in it, and a list below.
- `sample`: `nextchar sample`.
- `list`: `nextchar list`.
- `serve`: `nextchar serve`.
- `live_run`: a run on the terminal: its progress, Ctrl-C, its report.
- `train`: `nextchar train` and `nextchar demo`.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command with ``arguments``, those of the process by default, and return its exit status.

    From here on, Ctrl-C ends it with 130 and without a traceback at any moment: nothing is imported before.
    """
    try:
        import sys

        from nextchar.cli.app import run

        return run(sys.argv[1:] if arguments is None else arguments)
    except KeyboardInterrupt:  # while modules are loaded or an error is printed
        return _interrupted()
    finally:
        if arguments is None:  # the process ends: from here on, Ctrl-C would only print a traceback
            import signal

            signal.signal(signal.SIGINT, signal.SIG_IGN)


def _interrupted() -> int:
    import sys

    if sys.stderr is not None:  # pyright: ignore[reportUnnecessaryComparison] (it is, where it was closed)
        print("nextchar: interrupted", file=sys.stderr)
    return 130
