"""The path of a model: a model file, a run folder that holds one, or an installed base model by its name.

A package brings a base model with an entry point of the group `nextchar.bases`. Its name is that of the model, and its
value the module that has the file `model.safetensors` beside it.
"""

from __future__ import annotations

import difflib
import os
from collections.abc import Iterable
from contextlib import suppress
from importlib.metadata import entry_points
from importlib.resources import files
from itertools import islice
from pathlib import Path

from nextchar.errors import ModelFileError

SETTINGS, MODEL = "settings.json", "model.safetensors"
"""Names of the settings and the model in a run folder; every run has settings."""
BASES = "nextchar.bases"
"""Group of the entry points of base models."""
MAX_LISTED = 10_000
"""Most entries of a folder that are searched for a similar name."""


def find_model(path: Path) -> Path:
    """Return the model file of ``path``: a run folder, a model file, or the name of an installed base model, which a
    folder of the same name without a run does not hide.

    Raises:
        ModelFileError: there is none; the message names a model of a similar name, if any.
    """
    base = None if path.is_file() or _is_run(path) else installed_bases().get(str(path))
    if base is not None:
        return base
    if not path.is_dir():
        if not path.exists():
            hint = did_you_mean(path) or " Give a run folder or a .safetensors file."
            raise ModelFileError(f"There is no model {path}.{hint}")
        return path
    if (path / MODEL).exists():
        return path / MODEL
    if (path / SETTINGS).exists():
        raise ModelFileError(f"The run in {path} was ended before it had a model: nextchar train --resume {path}")
    hint = did_you_mean(path) or " Give a folder that `nextchar train` wrote, or a model file."
    raise ModelFileError(f"The folder {path} holds no run.{hint}")


def installed_bases() -> dict[str, Path]:
    """Return the model files of the installed base models, by their names."""
    return {point.name: Path(str(files(point.module).joinpath(MODEL))) for point in entry_points(group=BASES)}


def named_models(paths: Iterable[Path]) -> dict[str, Path]:
    """Return the run folders or model files at ``paths`` by names of their own, those of the folders or files: book,
    book-2, ..., with ? for what UTF-8 cannot encode."""
    named: dict[str, Path] = {}
    for path in paths:
        name = model_name(path)
        while name in named:
            stem, _, number = name.rpartition("-")
            name = f"{stem}-{int(number) + 1}" if stem and number.isdecimal() else f"{name}-2"
        named[name] = path
    return named


def model_name(path: Path) -> str:
    """Return the name of the run folder or model file at ``path``, without the folders above it, with ? for what UTF-8
    cannot encode."""
    folder = path.parent if path.name == MODEL else path
    resolved = folder.resolve()
    name = resolved.name if resolved.is_dir() or not path.is_file() else path.stem
    return (name or "model").encode("utf-8", "replace").decode()


def did_you_mean(path: Path, runs: Path = Path("runs")) -> str:
    """Return a question that names the run or model whose name is most similar to that of ``path``, beside it or in the
    folder ``runs``; "" if none is similar."""
    named = path.parent if path.is_file() or path.name in {MODEL, SETTINGS} else path
    # A model beside the path comes last, so that it wins over one in ``runs`` of the same name.
    near = [found for folder in (runs, named.parent) for found in _models_in(folder) if found != path]
    by_name = {found.name.casefold(): found for found in near}
    names = difflib.get_close_matches(named.name.casefold(), by_name, n=1)
    return f" Did you mean {by_name[names[0]]}?" if names else ""


def _models_in(folder: Path) -> list[Path]:
    """Return the runs and model files in ``folder``, which may be missing."""
    with suppress(OSError):
        listed = sorted(islice(folder.iterdir(), MAX_LISTED))
        return [found for found in listed if found.suffix == ".safetensors" or _is_run(found)]
    return []


def _is_run(folder: Path) -> bool:
    return os.path.lexists(folder / SETTINGS) or (folder / MODEL).exists()
