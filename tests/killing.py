"""A process that does nothing but the command, forked from a server where torch is loaded, so that many can be killed."""

import sys
from multiprocessing.process import BaseProcess
from collections.abc import Callable

import torch._dynamo  # noqa: F401 (what the optimizer would load when it is made)

from nextchar.cli import main
from nextchar.cli.train import train  # noqa: F401 (loaded here once)
from tests.command import PATIENCE


def run_command(arguments: list[str]) -> None:
    """Be the command."""
    sys.exit(main(arguments))


def wait_for(process: BaseProcess, happened: Callable[[], bool]) -> bool:
    """Return true as soon as something has ``happened``, or false if ``process`` ended without."""
    for _ in range(round(PATIENCE / 0.001)):
        if happened():
            return True
        process.join(0.001)
        if not process.is_alive():
            return happened()
    raise TimeoutError("nothing happened")
