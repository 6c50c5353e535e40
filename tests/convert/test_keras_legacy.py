"""Models of Keras 2, made readable for Keras 3."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from nextchar.convert.keras_legacy import readable_by_keras_3, saved_config
from nextchar.errors import ModelFileError
from nextchar.model.language_model import LanguageModel
from nextchar.networks.architecture import Architecture
from tests.keras_models import (
    CHARACTERS,
    NUMPY_WARNING,
    TEXT,
    V,
    imported,
    legacy_file,
    one_hot,
    ours,
    probabilities,
    saved,
    windows,
)

pytestmark = pytest.mark.filterwarnings(NUMPY_WARNING)


@pytest.mark.parametrize("form", [{}, {"as_list": True}, {"time_major": False}])
def test_a_file_of_keras_2(form: dict[str, Any], tmp_path: Path) -> None:
    model = one_hot(V)
    weights = [layer.get_weights() for layer in model.layers]
    before = legacy_file(tmp_path / "old.h5", weights, **form).read_bytes()
    found = imported(tmp_path / "old.h5")
    assert (tmp_path / "old.h5").read_bytes() == before
    assert found.file.architecture == Architecture(vocabulary_size=V, embedding=None, hidden=(12,), context_length=60)
    assert found.file.provenance.versions["keras"] == "2.2.4"
    ids = windows(TEXT, CHARACTERS)
    np.testing.assert_allclose(ours(LanguageModel(found.file), ids), probabilities(model, ids), rtol=1e-4, atol=1e-5)
    with pytest.raises(ModelFileError, match=r"hard_sigmoid.*lstm_1.*|lstm_1.*hard_sigmoid"):
        imported(legacy_file(tmp_path / "older.h5", weights, recurrent_activation="hard_sigmoid", **form))


def test_a_keras_file_of_keras_2(tmp_path: Path) -> None:
    model = one_hot(V)
    saved(model, tmp_path / "new.keras")
    with zipfile.ZipFile(tmp_path / "new.keras") as new, zipfile.ZipFile(tmp_path / "old.keras", "w") as old:
        config = json.loads(new.read("config.json"))
        config["config"]["layers"][0]["config"]["batch_input_shape"] = config["config"]["layers"][0]["config"].pop(
            "batch_shape"
        )
        config["config"]["layers"][1]["config"] |= {"time_major": False, "batch_input_shape": [None, 60, V]}
        old.writestr("config.json", json.dumps(config))
        old.writestr("metadata.json", json.dumps({"keras_version": "2.15.0"}))
        old.writestr("model.weights.h5", new.read("model.weights.h5"))
    found = imported(tmp_path / "old.keras")
    assert found.file.provenance.versions["keras"] == "2.15.0"
    ids = windows(TEXT, CHARACTERS)
    np.testing.assert_allclose(ours(LanguageModel(found.file), ids), probabilities(model, ids), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(("version", "told"), [(b"2.3.0", "2.3.0"), ("3.1", "3.1"), ([1e9, 1e9], None), (7, None)])
def test_a_version_of_keras_is_text_or_left_out(version: object, told: str | None, tmp_path: Path) -> None:
    with h5py.File(tmp_path / "m.h5", "w") as file:
        file.attrs["model_config"] = "{}"
        file.attrs["keras_version"] = version
    assert saved_config(tmp_path / "m.h5") == ({}, told)
    with zipfile.ZipFile(tmp_path / "m.keras", "w") as archive:
        archive.writestr("config.json", "{}")
        archive.writestr("metadata.json", json.dumps({"keras_version": str(told) if told else version}))
    assert saved_config(tmp_path / "m.keras") == ({}, told)


LSTM = {"class_name": "LSTM", "config": {"name": "lstm", "batch_input_shape": [None, 60, 7], "time_major": False}}
DENSE = {"class_name": "Dense", "config": {"name": "dense"}}
INPUT = {"class_name": "InputLayer", "config": {"batch_shape": [None, 60, 7], "name": "input"}}


def config_for_keras_3(config: dict[str, Any], folder: Path) -> dict[str, Any]:
    """Return the config in the file that Keras 3 gets instead of one with ``config``."""
    path = folder / "model.h5"
    with h5py.File(path, "w") as file:
        file.attrs["model_config"] = json.dumps(config)
    return saved_config(readable_by_keras_3(path, config, folder / "copy"))[0]


@pytest.mark.parametrize("layers", [[LSTM, DENSE], {"name": "mine", "layers": [LSTM, DENSE]}])
def test_the_shape_of_the_first_layer_becomes_an_input(layers: Any, tmp_path: Path) -> None:
    (tmp_path / "copy").mkdir()
    found = config_for_keras_3({"class_name": "Sequential", "config": layers}, tmp_path)
    name = "sequential" if isinstance(layers, list) else "mine"
    lstm = {"class_name": "LSTM", "config": {"name": "lstm"}}
    assert found == {"class_name": "Sequential", "config": {"name": name, "layers": [INPUT, lstm, DENSE]}}


def test_a_model_of_keras_3_is_read_from_its_own_file(tmp_path: Path) -> None:
    config = {"class_name": "Sequential", "config": {"name": "sequential", "layers": [INPUT, DENSE]}}
    path = tmp_path / "model.h5"
    path.write_bytes(b"")
    assert readable_by_keras_3(path, config, tmp_path) == path


def test_a_file_of_another_suffix_is_copied_and_not_changed(tmp_path: Path) -> None:
    config = {"class_name": "Sequential", "config": {"name": "sequential", "layers": [INPUT, DENSE]}}
    path = tmp_path / "model.hdf5"
    with h5py.File(path, "w") as file:
        file.attrs["model_config"] = json.dumps(config)
    before = path.read_bytes()
    (tmp_path / "copy").mkdir()
    assert readable_by_keras_3(path, config, tmp_path / "copy") == tmp_path / "copy" / "model.h5"
    assert path.read_bytes() == before
