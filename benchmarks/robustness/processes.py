"""The command in forked processes. This process has loaded everything and computed nothing, so each child starts in
milliseconds, can be killed, and has its own memory and time.
"""

from __future__ import annotations

import os
import resource
import signal
import sys
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import nextchar.training.trainer  # noqa: F401 (all of these are loaded for the processes to come)
from nextchar.cli import main

CRASHED = 70
POLL = 0.002


@dataclass(frozen=True)
class Ended:
    """How a process ended."""

    status: int
    """Exit status; the negative signal number if a signal ended the process."""
    output: str
    """What it wrote to standard output and error."""
    seconds: float
    megabytes: float
    """Peak memory."""
    interrupted: bool
    """Whether it was stopped because it took too long."""


class Process:
    """One run of the command."""

    def __init__(self, arguments: Sequence[object], output: Path) -> None:
        """Start the command with ``arguments``; it writes to the file ``output``."""
        self._output, self._began = output, time.monotonic()
        self.pid = os.fork()
        if self.pid == 0:
            _be_the_command([str(argument) for argument in arguments], output)

    def wait(self, seconds: float, patience: float = 30.0, until: Callable[[], bool] = lambda: False) -> Ended:
        """Wait for its end. After so many ``seconds``, or as soon as ``until`` is true, it is killed where ``patience``
        is 0, else asked to stop like by Ctrl-C, and killed when its patience is over."""
        asked = False
        while True:
            pid, status, usage = os.wait4(self.pid, os.WNOHANG)
            passed = time.monotonic() - self._began
            if pid:
                break
            if passed > seconds + (patience if asked else 0) or (not asked and until()):
                os.kill(self.pid, signal.SIGKILL if asked or not patience else signal.SIGINT)
                asked = True
                seconds = max(passed, seconds)
            time.sleep(POLL)
        written = self._output.read_text(errors="replace") if self._output.exists() else ""
        return Ended(os.waitstatus_to_exitcode(status), written, passed, usage.ru_maxrss / 1024, asked)


def run(arguments: Sequence[object], output: Path, seconds: float = 120.0) -> Ended:
    """Run the command to its end."""
    return Process(arguments, output).wait(seconds)


def _be_the_command(arguments: list[str], output: Path) -> None:
    """Do in this process, which was forked for it, what the command does, and end."""
    status = CRASHED
    try:
        handle = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(handle, 1)
        os.dup2(handle, 2)
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        status = main(arguments)
    except BaseException:  # noqa: BLE001 (whatever it is, the parent reports it as a failure)
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)
