"""A run on the terminal: it shows its progress, Ctrl-C saves it, and at the end it writes its report."""

from __future__ import annotations

import signal
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from typing import Any

from nextchar.cli.app import DONE, INTERRUPTED
from nextchar.cli.console import note, print_json, shell_quoted
from nextchar.files.file_size import describe_size
from nextchar.parallel import is_one_of_several
from nextchar.runs.folder import RunFolder
from nextchar.runs.progress import Level, ProgressDisplay
from nextchar.runs.run import Run
from nextchar.runs.screen import error_console
from nextchar.text.corpus_cache import default_cache_folder
from nextchar.training.events import Finished

STOPPING = ("SIGINT", "SIGTERM", "SIGHUP", "SIGUSR1", "SIGUSR2")
"""Signals that end a run at its next checkpoint, with everything saved: those that terminals and clusters send."""


def run_live(run: Run, level: Level, *, json: bool = False) -> int:
    """Carry out ``run`` until its end or Ctrl-C, show its progress, write its report, and print how to continue.

    Of several processes that train together, only process 0 has a folder and shows anything.
    """
    folder = run.folder
    if folder is None:
        return _take_part(run)
    finished: Finished | None = None
    # A second Ctrl-C raises KeyboardInterrupt: the run saves on its way out.
    with suppress(KeyboardInterrupt), interruptions() as asked, ProgressDisplay(error_console(), level) as display:
        for event in run.events(asked):
            display.show(event)
            if isinstance(event, Finished):
                finished = event
    loud = level != "silent"
    if loud and (finished is None or finished.interrupted):
        if folder.exists:
            note("to continue", f"nextchar train --resume {shell_quoted(folder.path)}")
        else:
            note("interrupted")
    if finished is None:
        return INTERRUPTED
    if not finished.interrupted:
        report(folder, loud=loud)
    if loud:
        size = folder.model_path.stat().st_size
        note("model", f"{folder.model_path} ({describe_size(size)})")
        note("to write more", f"nextchar sample {shell_quoted(folder.path)} --temperature 0.5")
    if json:
        print_json(result(run, finished))
    return INTERRUPTED if finished.interrupted else DONE


def _take_part(run: Run) -> int:
    """Do the share of this process in a run of several, which process 0 shows."""
    interrupted = True
    with suppress(KeyboardInterrupt), interruptions() as asked:
        for event in run.events(asked):
            if isinstance(event, Finished):
                interrupted = event.interrupted
    return INTERRUPTED if interrupted else DONE


def report(folder: RunFolder, *, loud: bool) -> None:
    """Write the report of the run."""
    from nextchar.report.page import write_report

    write_report(folder, default_cache_folder())
    if loud:
        note("report", f"{folder.report_path}")


def result(run: Run, finished: Finished) -> dict[str, Any]:
    """Return what ``--json`` prints."""
    from nextchar.model.description import describe

    assert run.folder is not None
    return {
        "run": str(run.folder.path),
        "model": str(run.folder.model_path),
        **describe(run.model.file),
        "steps": finished.step,
        "interrupted": finished.interrupted,
    }


@contextmanager
def interruptions() -> Generator[Callable[[], bool]]:
    """Yield a function that returns True after a signal in `STOPPING`; a second Ctrl-C or SIGTERM interrupts at once.

    A cluster's warning (SIGUSR1) before SIGTERM does not count. If several processes train together, only Ctrl-C does,
    because launchers send SIGTERM too, perhaps twice.
    """
    seen: set[int] = set()
    urgent = {signal.SIGINT} if is_one_of_several() else {signal.SIGINT, signal.SIGTERM}

    def remember(number: int, _frame: object) -> None:
        if seen & urgent and number in urgent:
            raise KeyboardInterrupt
        seen.add(number)

    # What is ignored, as SIGHUP is under nohup, stays so.
    present = (getattr(signal, name) for name in STOPPING if hasattr(signal, name))
    numbers = [number for number in present if signal.getsignal(number) is not signal.SIG_IGN]
    before = [signal.signal(number, remember) for number in numbers]
    try:
        yield lambda: bool(seen)
    finally:
        for number, handler in zip(numbers, before, strict=True):
            signal.signal(number, handler)
