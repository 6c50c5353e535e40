"""`nextchar train` and `nextchar demo`."""

from __future__ import annotations

import sys
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from nextchar.cli.app import DONE
from nextchar.errors import UsageError
from nextchar.settings import TextSettings, TrainingSettings

if TYPE_CHECKING:
    from nextchar.runs.run import Run

Flat = Parameter(name="*")
Plain = Parameter(negative=())


def train(
    *corpus: str,
    out: Path | None = None,
    resume: Path | None = None,
    plan: Path | None = None,
    text: Annotated[TextSettings, Flat] = TextSettings(),  # noqa: B008 (immutable)
    training: Annotated[TrainingSettings, Flat] = TrainingSettings(),  # noqa: B008 (immutable)
    serve: Annotated[bool, Plain] = False,
    port: int | None = None,
    moved: Annotated[tuple[str, ...], Parameter(name="--text", consume_multiple=True, negative=())] = (),
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
        Run folder to go on with, exactly as if it had never stopped; takes no other option of training.
    plan
        Run folder whose plan to follow instead of choosing one: with the same text and seed on the same machine it
        gives the same weights, bit for bit.
    serve
        Serve the page of the run while it is trained, to this machine alone: the samples and the learning curve as they
        grow, and the model as it is so far.
    port
        Port of that page; 8000 when not given, 0 for any that is free.
    moved
        With --resume: where the text of the run is now, if it was moved; its content is checked.
    quiet
        Show nothing but errors.
    json
        Print the result as one JSON object, the last line of standard output.
    """
    from nextchar.cli import follow
    from nextchar.runs.folder import RunFolder
    from nextchar.runs.preparation import Texts
    from nextchar.runs.progress import choose_level
    from nextchar.runs.run import Run, free_folder
    from nextchar.runs.screen import error_console
    from nextchar.text.corpus import default_cache_folder

    if port is not None and not serve:
        raise UsageError("--port is the port of the page: give --serve, too.")
    cache = default_cache_folder()
    if resume is not None:
        if corpus or out or plan or text.model_fields_set or training.model_fields_set:
            raise UsageError("--resume takes no text and no option of training: a run goes on as it began.")
        run = Run.resume(RunFolder(resume), moved=moved, cache=cache)
    else:
        if moved:
            raise UsageError(
                "--text says where the text of a run is now: give --resume RUN, too. A text to train on stands alone: "
                f"nextchar train {moved[0]}"
            )
        if not corpus:
            raise UsageError("Name a text to train on: nextchar train mybook.txt (or --resume RUN).")
        folder = RunFolder(out or free_folder(Path("runs"), corpus))
        texts = Texts(corpus, text, sys.stdin.buffer if "-" in corpus else None)
        like = RunFolder(plan) if plan else None
        refuse_to_change(plan, training)
        run = Run.new(folder, texts, training, like=like, cache=cache)
    level = "silent" if quiet else choose_level(error_console())
    with _page_of(run, 8000 if port is None else port, loud=not quiet) if serve else nullcontext():
        return follow.follow(run, level, json=json)


def _page_of(run: Run, port: int, *, loud: bool) -> AbstractContextManager[None]:
    """Return what serves the page of ``run`` while it goes on."""
    from nextchar.cli.serve import served_live

    assert run.folder is not None
    return served_live(run.folder.path, port, loud=loud)


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
    """Do the whole thing on the built-in text: train, show samples, write a report and a page that writes.

    Parameters
    ----------
    time
        Time budget of training alone.
    out
        Run folder to write.
    seed
        Seed of everything random in the run.
    """
    from nextchar.cli import follow
    from nextchar.cli.console import note
    from nextchar.convert.conversion import convert
    from nextchar.runs.folder import RunFolder
    from nextchar.runs.preparation import Texts
    from nextchar.runs.progress import choose_level
    from nextchar.runs.run import Run, free_folder
    from nextchar.runs.screen import error_console
    from nextchar.text.corpus import default_cache_folder

    folder = RunFolder(free_folder(out.parent, (out.name,)))
    training = TrainingSettings.model_validate({"time": time, "seed": seed})
    run = Run.new(folder, Texts(("python-docs",), TextSettings()), training, cache=default_cache_folder())
    level = choose_level(error_console())
    status = follow.follow(run, "lines" if level == "brief" else level)
    if status == DONE:
        page = folder.path / "story.html"
        convert(folder.path, page)
        note("the model in one page, which writes in any browser", str(page))
    return status
