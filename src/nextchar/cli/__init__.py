"""The door for the terminal: `nextchar`."""

from __future__ import annotations

import signal
import sys
from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command with ``arguments``, those of the process by default, and return its exit status."""
    try:
        from nextchar.cli.app import run

        return run(sys.argv[1:] if arguments is None else arguments)
    except KeyboardInterrupt:  # while modules are loaded, or while an error is told
        if sys.stderr is not None:
            print("nextchar: interrupted", file=sys.stderr)
        return 130
    finally:
        if arguments is None:  # the process ends: a Ctrl-C from here on would only make Python complain
            signal.signal(signal.SIGINT, signal.SIG_IGN)
