"""Keras and h5py when they are needed, and what happens when they are missing or fail."""

from __future__ import annotations

import logging
import sys
import warnings
from pathlib import Path

import h5py
import pytest

from nextchar.convert.keras_library import damage_reported, keras_loaded, load_h5py
from nextchar.convert.keras_reading import read_model
from nextchar.errors import MissingDependencyError, ModelFileError, UsageError
from tests.keras_models import (
    NUMPY_WARNING,
    SMALL,
    keras,
    one_hot,
)

pytestmark = pytest.mark.filterwarnings(NUMPY_WARNING)


@pytest.mark.parametrize("missing", ["keras", "h5py"])
def test_without_keras_it_is_said_how_to_get_it(missing: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one_hot(SMALL, hidden=3).save(tmp_path / "model.h5")
    monkeypatch.setitem(sys.modules, missing, None)
    with pytest.raises(MissingDependencyError, match=r'pip install "nextchar\[keras\]"'):
        read_model(tmp_path / "model.h5")


def test_an_error_in_reading_is_damage_of_the_file() -> None:
    message = r"^m\.h5 is not a model that Keras can read, or is damaged: first second$"
    with pytest.raises(ModelFileError, match=message), damage_reported(Path("m.h5")):
        raise OSError("first\n  second")
    with pytest.raises(ModelFileError, match=r"damaged: KeyError$"), damage_reported(Path("m.h5")):
        raise KeyError
    with pytest.raises(ModelFileError) as long, damage_reported(Path("m.h5")):
        raise ValueError("x" * 1000)
    assert str(long.value).endswith(f": {'x' * 200}…")


def test_an_error_of_nextchar_stays_as_it_is() -> None:
    with pytest.raises(UsageError, match=r"^no characters$"), damage_reported(Path("m.h5")):
        raise UsageError("no characters")


def test_keras_is_silent_only_inside_the_block() -> None:
    logger = logging.getLogger("absl")
    before = logger.level
    with keras_loaded() as module:
        assert module is keras()
        assert logger.level == logging.ERROR
        warnings.warn("advice", stacklevel=1)  # warnings are errors in tests
    assert logger.level == before
    with pytest.warns(UserWarning, match="advice"):
        warnings.warn("advice", stacklevel=1)


def test_h5py_is_loaded_or_named(monkeypatch: pytest.MonkeyPatch) -> None:
    assert load_h5py() is h5py
    monkeypatch.setitem(sys.modules, "h5py", None)
    with pytest.raises(MissingDependencyError, match=r'pip install "nextchar\[keras\]"'):
        load_h5py()
