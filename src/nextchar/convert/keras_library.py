"""Keras itself, loaded when a model of it has to be read or written, and how its failures are told."""

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
    """Give the module ``keras`` to work with, which keeps its advice to those who build models to itself meanwhile.

    Raises:
        MissingDependencyError: Keras, or what it computes with, is not installed.
    """
    os.environ.setdefault("KERAS_BACKEND", "torch")  # what nextchar trains with; Keras alone would want TensorFlow
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
    return MissingDependencyError(
        f'Models of Keras are read and written by Keras itself ({error}): pip install "nextchar[keras]".'
    )


@contextmanager
def damage_told(path: Path) -> Generator[None]:
    """Tell whatever goes wrong with the file at ``path`` as damage of it.

    Raises:
        ModelFileError: something went wrong.
    """
    try:
        yield
    except NextcharError:
        raise
    except Exception as error:  # Keras documents none of the errors that a strange file ends in
        reason = " ".join(str(error).split()) or type(error).__name__
        raise ModelFileError(
            f"{path} is not a model that Keras can read, or is damaged: "
            f"{reason[:200]}{'…' if len(reason) > 200 else ''}"
        ) from error
