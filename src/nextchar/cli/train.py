"""`nextchar train` and `nextchar demo`."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter
from pydantic import Field

from nextchar.cli.app import DONE
from nextchar.cli.text_options import TextOptions
from nextchar.errors import UsageError
from nextchar.settings import Settings, TextSettings, TrainingSettings, flag
from nextchar.text.known_texts import BUILT_IN

if TYPE_CHECKING:
    from nextchar.runs.run import Run

Flat = Parameter(name="*")
Plain = Parameter(negative=())

AUTO = Path("auto")
"""What --resume is given to continue the run in --out, or begin it where there is none."""


class RunOptions(Settings):
    """The run folder to write or to continue, and the plan to use."""

    out: Path | None = Field(default=None, description="Run folder to write; runs/NAME by default.")
    resume: Path | None = Field(
        default=None,
        description="Run folder to continue, exactly as if it had never stopped; excludes other options of training. "
        "auto, with the whole command and --out, starts a run there or continues the one that is there.",
    )
    plan: Path | None = Field(
        default=None,
        description="Run folder whose plan to use instead of choosing one: the same text and seed on the same machine "
        "give the same weights, bit for bit.",
    )
    moved: Annotated[tuple[str, ...], Parameter(name="--text", consume_multiple=True, negative=())] = Field(
        default=(),
        description="With --resume: where the text of the run is now, if it has moved; its content is checked.",
    )


class PageOptions(Settings):
    """The page of a run while it trains."""

    serve: Annotated[bool, Plain] = Field(
        default=False,
        description="Serve a page of the run while it trains, only to this machine: samples, the learning curve, and "
        "the model so far.",
    )
    port: int | None = Field(default=None, description="Port of that page; 8000 by default, 0 for any free one.")


def train(
    *corpus: str,
    source: Annotated[RunOptions, Flat] = RunOptions(),  # noqa: B008 (immutable)
    text: Annotated[TextOptions, Flat] = TextOptions(),  # noqa: B008 (immutable)
    training: Annotated[TrainingSettings, Flat] = TrainingSettings(),  # noqa: B008 (immutable)
    page: Annotated[PageOptions, Flat] = PageOptions(),  # noqa: B008 (immutable)
    quiet: Annotated[bool, Plain] = False,
    json: Annotated[bool, Plain] = False,
) -> int:
    """Train a model on your text, or resume a run.

    Without options it trains for one minute, fits everything else to the text, and keeps the best model. It saves
    often. Ctrl-C saves too, and prints the command that continues the run.

    Parameters
    ----------
    corpus
        Texts to learn from: files (plain, or compressed with gzip, bzip2, xz or Zstandard; JSON lines, CSV, TSV and
        Parquet with --column), folders, addresses (https://, s3://, gs://, hf://), - for standard input, or names
        that `nextchar corpora` lists.
    quiet
        Show nothing but errors.
    json
        Print the result as one JSON object, the last line of standard output.
    """
    from nextchar.cli.live_run import run_live
    from nextchar.runs.progress import choose_level
    from nextchar.runs.screen import error_console

    if page.port is not None and not page.serve:
        raise UsageError("--port is for the page: add --serve.")
    begins = source.resume is None or source.resume == AUTO
    run = (_new_run if begins else _resumed)(corpus, source, text, training)
    level = "silent" if quiet else choose_level(error_console())
    with _page_of(run, page, loud=not quiet):
        return run_live(run, level, json=json)


def _new_run(corpus: Sequence[str], source: RunOptions, text: TextSettings, training: TrainingSettings) -> Run:
    """Return a new run, or with ``--resume auto`` the present one, to continue it.

    Raises:
        UsageError: no text is given, or options contradict each other or the run that is there.
    """
    from nextchar.runs.agreement import check_agreement
    from nextchar.runs.counting_run import new_run, resume_run
    from nextchar.runs.folder import RunFolder, free_folder
    from nextchar.runs.texts import Texts
    from nextchar.text.corpus_cache import default_cache_folder

    if source.moved:
        raise UsageError(
            "--text is for a run whose text has moved: add --resume RUN. To train on a text, name it without --text: "
            f"nextchar train {source.moved[0]}"
        )
    if not corpus:
        raise UsageError("Name a text to train on: nextchar train mybook.txt (or --resume RUN).")
    if source.resume == AUTO and source.out is None:
        raise UsageError("--resume auto needs the folder of the run: add --out RUN, the same each time.")
    folder = RunFolder(source.out or free_folder(Path("runs"), corpus))
    texts = Texts(tuple(corpus), text, sys.stdin.buffer if "-" in corpus else None)
    like = RunFolder(source.plan) if source.plan else None
    refuse_to_change(source.plan, training)
    if source.resume == AUTO and folder.exists:
        check_agreement(folder.settings(), texts, training)
        return resume_run(folder, cache=default_cache_folder())
    return new_run(folder, texts, training, like=like, cache=default_cache_folder())


def _resumed(corpus: Sequence[str], source: RunOptions, text: TextSettings, training: TrainingSettings) -> Run:
    """Return the run to continue.

    Raises:
        UsageError: an option is given that the run has already fixed.
    """
    from nextchar.runs.counting_run import resume_run
    from nextchar.runs.folder import RunFolder
    from nextchar.text.corpus_cache import default_cache_folder

    if corpus or source.out or source.plan or text.model_fields_set or training.model_fields_set:
        raise UsageError("--resume allows no text and no training options: a run continues as it began.")
    assert source.resume is not None
    return resume_run(RunFolder(source.resume), moved=source.moved, cache=default_cache_folder())


def _page_of(run: Run, page: PageOptions, *, loud: bool) -> AbstractContextManager[None]:
    """Return a context manager that serves the page of ``run`` if it is asked for."""
    if not page.serve or run.folder is None:
        return nullcontext()
    from nextchar.cli.serve import served_live

    return served_live(run.folder.path, 8000 if page.port is None else page.port, loud=loud)


def refuse_to_change(plan: Path | None, training: TrainingSettings) -> None:
    """Reject options that ``plan``, the run whose plan is used, already fixes.

    Raises:
        UsageError: there are such options.
    """
    free = {"seed", "evaluations", "keep_text", "sample_length", "save_every", "device"}
    decided = sorted(training.model_fields_set - free) if plan else []
    if decided:
        names = " and ".join(flag(name) for name in decided)
        raise UsageError(f"--plan {plan} already fixes {names}: leave one of them out.")


def demo(*, text: str = BUILT_IN, time: str = "60s", out: Path = Path("runs/demo"), seed: int = 0) -> int:
    """Train on a text that is here already, show samples, write a report and a page to play with.

    Parameters
    ----------
    text
        Text to train on: holmes (English stories) and korean (Korean ones) come with nextchar, python-docs with Python;
        any other that `nextchar train` takes will do, too.
    time
        Time to train.
    out
        Run folder to write.
    seed
        Seed for everything random in the run.
    """
    from nextchar.cli.console import note
    from nextchar.cli.live_run import run_live
    from nextchar.convert.conversion import convert
    from nextchar.runs.folder import RunFolder, free_folder
    from nextchar.runs.progress import choose_level
    from nextchar.runs.run import Run
    from nextchar.runs.screen import error_console
    from nextchar.runs.texts import Texts
    from nextchar.text.corpus_cache import default_cache_folder

    folder = RunFolder(free_folder(out.parent, (out.name,)))
    training = TrainingSettings.model_validate({"time": time, "seed": seed})
    run = Run.new(folder, Texts((text,), TextSettings()), training, cache=default_cache_folder())
    level = choose_level(error_console())
    status = run_live(run, "lines" if level == "brief" else level)
    if status == DONE:
        page = folder.path / "story.html"
        convert(folder.path, page)
        note("the model as a page for any browser", str(page))
    return status
