"""Load Keras and h5py when they are needed, and turn their failures into errors."""

# Keras and h5py have no types.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false

from __future__ import annotations

import logging
import os
import warnings
from collections.abc import Generator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

from nextchar.errors import MissingDependencyError, ModelFileError, NextcharError


@contextmanager
def keras_loaded() -> Generator[Any]:
    """Import the module ``keras``, and silence its advice to people who build models.

    Raises:
        MissingDependencyError: Keras, or the library it computes with, is not installed.
    """
    os.environ.setdefault("KERAS_BACKEND", "torch")  # nextchar trains with torch; the default is TensorFlow
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            keras: Any = import_module("keras")
        except ImportError as error:
            raise _missing(error) from error
        logger = logging.getLogger("absl")
        level = logger.level
        logger.setLevel(logging.ERROR)
        try:
            yield keras
        finally:
            logger.setLevel(level)


def load_h5py() -> Any:
    """Return the module ``h5py``.

    Raises:
        MissingDependencyError: it is not installed.
    """
    try:
        return import_module("h5py")
    except ImportError as error:
        raise _missing(error) from error


def _missing(error: ImportError) -> MissingDependencyError:
    return MissingDependencyError(f'Keras itself reads and writes its models ({error}): pip install "nextchar[keras]".')


@contextmanager
def damage_reported(path: Path) -> Generator[None]:
    """Report any error in the block as damage of the file at ``path``.

    Raises:
        ModelFileError: the block raised an error.
    """
    try:
        yield
    except NextcharError:
        raise
    except Exception as error:  # Keras does not document which errors a damaged file causes
        reason = " ".join(str(error).split()) or type(error).__name__
        raise ModelFileError(
            f"{path} is not a model that Keras can read, or is damaged: "
            f"{reason[:200]}{'…' if len(reason) > 200 else ''}"
        ) from error
