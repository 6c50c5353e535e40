"""Where a model is: the path of a model file, or of the run folder that holds one."""

from __future__ import annotations

import difflib
import os
from contextlib import suppress
from itertools import islice
from pathlib import Path

from nextchar.errors import ModelFileError

SETTINGS, MODEL = "settings.json", "model.safetensors"
"""What a run folder calls its settings, which every run has, and its model."""
MAX_LISTED = 10_000
"""Entries of a folder that are looked at for a name like the one given."""


def find_model(path: Path) -> Path:
    """Return the model file that ``path``, a run folder or a model file, stands for.

    Raises:
        ModelFileError: there is none; where there is one of nearly that name, it is told.
    """
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


def did_you_mean(path: Path, runs: Path = Path("runs")) -> str:
    """Return the question whether the run or model with the name nearest to that of ``path`` is meant, which is beside
    it or in the folder ``runs``; nothing where none is near."""
    named = path.parent if path.is_file() or path.name in {MODEL, SETTINGS} else path
    # What is beside it comes last, and counts where both have the name.
    near = [found for folder in (runs, named.parent) for found in _models_in(folder) if found != path]
    by_name = {found.name.casefold(): found for found in near}
    names = difflib.get_close_matches(named.name.casefold(), by_name, n=1)
    return f" Did you mean {by_name[names[0]]}?" if names else ""


def _models_in(folder: Path) -> list[Path]:
    """Return the runs and model files in ``folder``, which need not be there."""
    with suppress(OSError):
        listed = sorted(islice(folder.iterdir(), MAX_LISTED))
        return [found for found in listed if found.suffix == ".safetensors" or _is_run(found)]
    return []


def _is_run(folder: Path) -> bool:
    return os.path.lexists(folder / SETTINGS) or (folder / MODEL).exists()
