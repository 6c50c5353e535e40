"""Where a model is: the path of a model file, or of the run folder that holds one."""

from __future__ import annotations

from pathlib import Path

from nextchar.errors import ModelFileError

SETTINGS, MODEL = "settings.json", "model.safetensors"
"""What a run folder calls its settings, which every run has, and its model."""


def find_model(path: Path) -> Path:
    """Return the model file that ``path``, a run folder or a model file, stands for.

    Raises:
        ModelFileError: there is none.
    """
    if not path.is_dir():
        if not path.exists():
            raise ModelFileError(f"There is no model {path}. Give a run folder or a .safetensors file.")
        return path
    if (path / MODEL).exists():
        return path / MODEL
    if (path / SETTINGS).exists():
        raise ModelFileError(f"The run in {path} was ended before it had a model: nextchar train --resume {path}")
    raise ModelFileError(f"The folder {path} holds no run: give a folder that `nextchar train` wrote, or a model file.")
