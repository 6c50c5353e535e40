"""The Python API: `nextchar.train` and `nextchar.load`."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from os import PathLike
from pathlib import Path
from typing import Any, Literal, TypedDict, Unpack

from nextchar.errors import UsageError
from nextchar.model.language_model import LanguageModel
from nextchar.runs.counting_run import new_run
from nextchar.runs.folder import RunFolder
from nextchar.runs.notebook import NotebookDisplay
from nextchar.runs.progress import ProgressDisplay, choose_level
from nextchar.runs.run import Run
from nextchar.runs.screen import error_console
from nextchar.runs.texts import Texts
from nextchar.settings import (
    Boundary,
    Errors,
    Exchange,
    Normalization,
    Precision,
    RecipeName,
    Repeated,
    TextSettings,
    TokenChoice,
    TrainingSettings,
    Weights,
    build,
)
from nextchar.text.corpus_cache import default_cache_folder
from nextchar.training.events import Event


class TextOptions(TypedDict, total=False):
    """How a text is read, as keyword arguments: the options of `nextchar.settings.TextSettings`."""

    encoding: str | None
    errors: Errors
    column: str | None
    label_column: str | None
    boundary: Boundary
    lines: bool | None
    repeated: Repeated
    lowercase: bool
    normalize: Normalization | None
    tokens: TokenChoice
    vocabulary_size: int | None
    validation: float | None
    min_count: int | None


class TrainingOptions(TextOptions, total=False):
    """How a text is read and a model is trained: also the options of `nextchar.settings.TrainingSettings`."""

    recipe: RecipeName
    from_: str | None
    keep_characters: bool | None
    time: float | str | None
    epochs: float | None
    steps: int | None
    seed: int
    hidden: int | None
    layers: int | None
    embedding: int | None
    dropout: float | None
    streams: int | None
    window: int | None
    learning_rate: float | None
    weight_decay: float | None
    clip: float | None
    precision: Precision | None
    memory: bool | None
    keep_text: bool | None
    memory_size: float | str | None
    evaluations: int | None
    sample_length: int
    save_every: float | str
    device: Literal["auto", "cpu", "cuda", "mps"]
    gpu_memory_fraction: float | None
    threads: int | None
    exchange: Exchange | None


def train(
    *corpus: str | PathLike[str],
    text: str | None = None,
    out: str | PathLike[str] | None = None,
    quiet: bool = False,
    on_event: Callable[[Event], None] | None = None,
    **options: Unpack[TrainingOptions],
) -> LanguageModel:
    """Train a model and return the best one.

    If interrupted (Ctrl-C, or the stop button of a notebook), it saves and returns the best model so far.

    Args:
        *corpus: files, folders, or names that `nextchar corpora` lists.
        text: the text itself, instead.
        out: run folder to write, which `nextchar train --resume` can continue; without it nothing is written to disk.
        quiet: show no progress.
        on_event: called with every event of `nextchar.events`; no progress is shown then.
        **options: of `nextchar.settings.TextSettings` and `TrainingSettings`: time (60 seconds unless given), epochs or
            steps; lowercase, validation, hidden, layers, seed, device and others.

    Raises:
        UsageError: an option is unknown, or its value is not allowed.
        TextError: the text cannot be used.
        RunFolderError: ``out`` holds a run already, or cannot be written.
        MissingDependencyError: torch is not installed.

    >>> import nextchar
    >>> tiny = {"steps": 100, "hidden": 16, "layers": 1, "streams": 8, "learning_rate": 0.03}
    >>> model = nextchar.train(text="so it goes. " * 100, quiet=True, **tiny)
    >>> model.generate("so it", length=6, temperature=0)
    ' goes.'
    """
    if (text is None) == (not corpus):
        raise UsageError('Give texts to train on, train("mybook.txt"), or the text itself, train(text="...").')
    folder = RunFolder(Path(out)) if out is not None else None
    of_training: dict[str, Any] = {**options}
    of_text = {name: of_training.pop(name) for name in TextSettings.model_fields if name in options}
    texts = _texts(corpus, text, of_text)
    run = new_run(folder, texts, build(TrainingSettings, of_training), cache=default_cache_folder())
    _carry_out(run, quiet=quiet, on_event=on_event)
    return run.model


def _texts(corpus: Sequence[str | PathLike[str]], text: str | None, options: dict[str, Any]) -> Texts:
    """Return the texts named by ``corpus``, or ``text`` itself, to be read with ``options``."""
    if text is None:
        return Texts(tuple(map(str, corpus)), build(TextSettings, options))
    # Lone surrogates pass here, and get the error that every text with wrong bytes gets.
    content = io.BytesIO(text.encode("utf-8", "surrogatepass"))
    return Texts(("-",), build(TextSettings, {**options, "encoding": "utf-8"}), content)


def _carry_out(run: Run, *, quiet: bool, on_event: Callable[[Event], None] | None) -> None:
    """Carry ``run`` out; show its progress, or pass each event to ``on_event``."""
    with _display(silent=quiet or on_event is not None) as display:
        try:
            for event in run.events():
                display.show(event)
                if on_event is not None:
                    on_event(event)
        except KeyboardInterrupt:
            if not run.has_begun:
                raise
            run.save()


def _display(*, silent: bool) -> ProgressDisplay | NotebookDisplay:
    """Return the display for this place: a notebook, a terminal or a log."""
    console = error_console()
    if console.is_jupyter and not silent:
        return NotebookDisplay()
    return ProgressDisplay(console, "silent" if silent else choose_level(console))


def load(path: str | PathLike[str], *, carry_state: bool = False, weights: Weights = "float32") -> LanguageModel:
    """Load a model from a run folder, a model file, or a page that `nextchar convert` wrote.

    Args:
        path: where it is.
        carry_state: let a model that was trained in windows carry its state from character to character: many times
            faster, with other probabilities. Other models always do.
        weights: int8 rounds them to eight bits: large models write about twice as fast and score a little worse.

    Raises:
        ModelFileError: there is none, or it is damaged.

    >>> import nextchar
    >>> tiny = {"steps": 100, "hidden": 16, "layers": 1, "streams": 8, "learning_rate": 0.03}
    >>> nextchar.train(text="so it goes. " * 100, quiet=True, **tiny).save("so.safetensors")
    >>> nextchar.load("so.safetensors").generate("so it", length=6, temperature=0)
    ' goes.'
    """
    return LanguageModel.load(path, carry_state=carry_state, weights=weights)
