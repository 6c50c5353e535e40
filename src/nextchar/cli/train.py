"""`nextchar train` and `nextchar demo`."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from nextchar.cli.app import DONE, INTERRUPTED
from nextchar.cli.console import error_console, note, print_json, shell_quoted
from nextchar.corpus import default_cache_folder
from nextchar.errors import MissingDependencyError, UsageError
from nextchar.events import Finished
from nextchar.preparation import Texts
from nextchar.progress import Level, ProgressDisplay, choose_level
from nextchar.run_folder import RunFolder
from nextchar.settings import TextSettings, TrainingSettings
from nextchar.training_run import TrainingRun, free_folder

Flat = Parameter(name="*")
Plain = Parameter(negative=())


def train(
    *corpus: str,
    out: Path | None = None,
    resume: Path | None = None,
    plan: Path | None = None,
    text: Annotated[TextSettings, Flat] = TextSettings(),  # noqa: B008 (immutable)
    training: Annotated[TrainingSettings, Flat] = TrainingSettings(),  # noqa: B008 (immutable)
    quiet: Annotated[bool, Plain] = False,
    json: Annotated[bool, Plain] = False,
) -> int:
    """Train a model on your text, or resume a run.

    With no option it chooses everything from the text and one minute of time, keeps the best model, and saves so often
    that nothing is lost: Ctrl-C saves and prints the command that goes on.

    Parameters
    ----------
    corpus
        What to learn from: files (plain or gzip), folders, - for standard input, or names that `nextchar corpora`
        lists.
    out
        Run folder to write; runs/NAME when not given.
    resume
        Run folder to go on with, exactly as if it had never stopped; takes no other option.
    plan
        Run folder whose plan to follow instead of choosing one: with the same text and seed on the same machine it
        gives the same weights, bit for bit.
    quiet
        Show nothing but errors.
    json
        Print the result as one JSON object, the last line of standard output.
    """
    if resume is not None:
        if corpus or out or plan or text.model_fields_set or training.model_fields_set:
            raise UsageError("--resume takes no text and no option of training: a run goes on as it began.")
        run = TrainingRun(RunFolder(resume), cache=default_cache_folder())
    else:
        if not corpus:
            raise UsageError("Name a text to train on: nextchar train mybook.txt (or --resume RUN).")
        folder = RunFolder(out or free_folder(Path("runs"), corpus))
        texts = Texts(corpus, text, sys.stdin.buffer if "-" in corpus else None)
        like = RunFolder(plan) if plan else None
        refuse_to_change(plan, training)
        run = TrainingRun(folder, texts=texts, training=training, like=like, cache=default_cache_folder())
    console = error_console()
    return follow(run, "silent" if quiet else choose_level(console), json=json)


def refuse_to_change(plan: Path | None, training: TrainingSettings) -> None:
    """Do nothing unless options are given that ``plan``, a run whose plan is followed, has decided.

    Raises:
        UsageError: there are such options.
    """
    free = {"seed", "evaluations", "sample_length", "save_every", "device"}
    decided = sorted(training.model_fields_set - free) if plan else []
    if decided:
        names = " and ".join("--" + name.replace("_", "-") for name in decided)
        raise UsageError(f"--plan {plan} decides already what {names} would: leave one of them out.")


def demo(*, time: str = "60s", out: Path = Path("runs/demo"), seed: int = 0) -> int:
    """Do the whole thing on the built-in text: train, show samples, write a report.

    Parameters
    ----------
    time
        Time budget of training alone.
    out
        Run folder to write.
    seed
        Seed of everything random in the run.
    """
    folder = RunFolder(free_folder(out.parent, (out.name,)))
    training = TrainingSettings.model_validate({"time": time, "seed": seed})
    run = TrainingRun(
        folder, texts=Texts(("python-docs",), TextSettings()), training=training, cache=default_cache_folder()
    )
    return follow(run, "full" if error_console().is_terminal else "lines")


def follow(run: TrainingRun, level: Level, *, json: bool = False) -> int:
    """Do ``run`` to its end or to a Ctrl-C, show it, write its report, and say how to go on."""
    folder = run.folder
    assert folder is not None
    finished: Finished | None = None
    with interruptions() as interrupted, ProgressDisplay(error_console(), level) as display:
        for event in run.events(interrupted):
            display.show(event)
            if isinstance(event, Finished):
                finished = event
    loud = level != "silent"
    if loud and (finished is None or finished.interrupted):
        note(f"to go on: nextchar train --resume {shell_quoted(folder.path)}")
    if finished is None:
        return INTERRUPTED
    if not finished.interrupted:
        write_report(folder, loud=loud)
    if loud:
        size = folder.model_path.stat().st_size
        note(f"model: {folder.model_path} ({size / 1024:,.0f} KiB)")
        note(f"to write more: nextchar sample {shell_quoted(folder.path)} --temperature 0.5")
    if json:
        print_json(result(run, finished))
    return INTERRUPTED if finished.interrupted else DONE


def write_report(folder: RunFolder, *, loud: bool) -> None:
    """Write the report of the run, or say what is missing for it."""
    from nextchar.report.page import corpus_ids, render_report

    try:
        folder.write_report(render_report(folder, corpus_ids(folder, default_cache_folder())))
    except MissingDependencyError as error:
        if loud:
            note(f"no report: {error}")
        return
    if loud:
        note(f"report: {folder.report_path}")


def result(run: TrainingRun, finished: Finished) -> dict[str, Any]:
    """Return what ``--json`` prints."""
    from nextchar.cli.facts import model_facts

    assert run.folder is not None
    return {
        "run": str(run.folder.path),
        "model": str(run.folder.model_path),
        **model_facts(run.model.file),
        "steps": finished.step,
        "interrupted": finished.interrupted,
    }


@contextmanager
def interruptions() -> Generator[Callable[[], bool]]:
    """Turn the first Ctrl-C, or SIGTERM, into a true answer of the function given; a second one interrupts at once."""
    seen: list[int] = []

    def remember(number: int, _frame: object) -> None:
        if seen:
            raise KeyboardInterrupt
        seen.append(number)

    numbers = (signal.SIGINT, signal.SIGTERM)
    before = [signal.signal(number, remember) for number in numbers]
    try:
        yield lambda: bool(seen)
    finally:
        for number, handler in zip(numbers, before, strict=True):
            signal.signal(number, handler)
