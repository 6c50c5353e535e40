"""Small files of Keras that ask for a lot: refused before anything is unpacked or built."""

from __future__ import annotations

import json
import os
import signal
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from nextchar.convert import keras_bounds
from nextchar.convert.keras_reading import read_model
from nextchar.convert.keras_weights import read_weights
from nextchar.errors import ModelFileError
from tests.keras_models import NUMPY_WARNING, keras, one_hot

pytestmark = pytest.mark.filterwarnings(NUMPY_WARNING)

V = 7
LSTM, DENSE = 1, 2
"""Places of the layers in the config; the input is at 0."""


@pytest.fixture(autouse=True)
def nothing_is_built(monkeypatch: pytest.MonkeyPatch) -> None:
    def build(*_: object, **__: object) -> None:
        raise AssertionError("Keras was asked to build the model")

    monkeypatch.setattr(keras().saving, "load_model", build)


def with_config(path: Path, change: Callable[[list[Any]], object]) -> Path:
    """Write the example with its layers in the config changed, and return ``path``."""
    one_hot(V, hidden=3).save(path)
    with zipfile.ZipFile(path) as archive:
        entries = {name: archive.read(name) for name in archive.namelist()}
    config = json.loads(entries["config.json"])
    change(config["config"]["layers"])
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in entries.items():
            archive.writestr(name, json.dumps(config) if name == "config.json" else content)
    return path


@pytest.mark.parametrize(
    ("place", "option", "value", "reason"),
    [
        (LSTM, "units", 10**9, "too large"),
        (LSTM, "units", 0, "too large"),
        (LSTM, "units", "3", "units=3"),
        (LSTM, "units", 3.0, "units"),
        (LSTM, "units", True, "units"),
        (LSTM, "units", 8192, "built for"),
        (LSTM, "use_bias", False, "other shapes"),
        (DENSE, "units", 10**9, "too large"),
        (DENSE, "units", 100_000, "other shapes"),
        (DENSE, "lora_rank", 10**9, "LoRA"),
        (0, "batch_shape", [10**9, 60, V], "too large"),
        (0, "batch_shape", [None, 10**9, V], "too large"),
        (0, "batch_shape", [None, 60, 10**9], "too large"),
        (0, "batch_shape", [None, 60, 100_000], "built for"),
        (0, "batch_shape", [None, 60, "7"], "damaged"),
    ],
)
def test_a_config_that_asks_for_more_than_the_file_holds_builds_nothing(
    place: int, option: str, value: object, reason: str, tmp_path: Path
) -> None:
    path = with_config(tmp_path / "m.keras", lambda layers: layers[place]["config"].update({option: value}))
    with pytest.raises(ModelFileError, match=reason):
        read_model(path)


def test_a_layer_that_is_built_for_other_inputs_is_refused(tmp_path: Path) -> None:
    build = {"build_config": {"input_shape": [None, 10**9]}}
    path = with_config(tmp_path / "m.keras", lambda layers: layers[DENSE].update(build))
    with pytest.raises(ModelFileError, match="would be built for"):
        read_model(path)


def test_very_many_layers_are_refused(tmp_path: Path) -> None:
    dropout = {"class_name": "Dropout", "config": {"name": "d", "rate": 0.1}}
    path = with_config(tmp_path / "m.keras", lambda layers: layers.extend([dropout] * 1000))
    with pytest.raises(ModelFileError, match="1,003 layers"):
        read_model(path)


def test_a_zip_bomb_is_not_unpacked(tmp_path: Path) -> None:
    path = tmp_path / "m.keras"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("config.json", "{}")
        archive.writestr("metadata.json", "{}")
        archive.writestr("model.weights.h5", bytes(3 * keras_bounds.ROOM))
    with pytest.raises(ModelFileError, match="would unpack to"):
        read_model(path)


def fill_value(file: Any) -> None:
    file.create_dataset("layers/lstm/cell/vars/0", (10**5, 10**5), "f4", fillvalue=1.0)


def compressed(file: Any) -> None:
    zeros = np.zeros((4000, 4000), np.float32)
    file.create_dataset("layers/lstm/cell/vars/0", data=zeros, compression="gzip")


def large_chunks(file: Any) -> None:
    file.create_dataset("layers/lstm/cell/vars/0", (1,), "f4", maxshape=(None,), chunks=(2**28,))


def virtual(file: Any) -> None:
    layout = h5py.VirtualLayout((9, 4), "f4")
    layout[:] = h5py.VirtualSource("/etc/hostname", "x", (9, 4))
    file.create_virtual_dataset("layers/lstm/cell/vars/0", layout)


def external(file: Any) -> None:
    file.create_dataset("layers/lstm/cell/vars/0", (9, 4), "f4", external=[("/etc/hostname", 0, 144)])


def other_file(file: Any) -> None:
    file["layers"] = h5py.ExternalLink("/dev/zero", "/")


def circle(file: Any) -> None:
    file.create_group("layers/lstm")
    file["layers/lstm/again"] = file["layers"]


def text(file: Any) -> None:
    file.create_dataset("layers/lstm/cell/vars/0", (3,), h5py.string_dtype())


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (fill_value, "promise arrays of 40,000,000,000"),
        (compressed, "promise arrays of 64,000,000"),
        (large_chunks, "promise arrays of 1,073,741,824"),
        (virtual, "does not contain the numbers"),
        (external, "does not contain the numbers"),
        (other_file, "is a link"),
        (circle, "more groups"),
        (text, "does not contain the numbers"),
    ],
)
@pytest.mark.parametrize("form", ["weights", "archive"])
def test_arrays_that_are_not_in_the_file_are_not_read(
    make: Callable[[Any], None], reason: str, form: str, tmp_path: Path
) -> None:
    path = tmp_path / "m.weights.h5"
    with h5py.File(path, "w") as file:
        make(file)
    if form == "weights":
        with pytest.raises(ModelFileError, match=reason):
            read_weights(path)
        return
    archive = with_config(tmp_path / "m.keras", lambda _: None)
    with zipfile.ZipFile(archive) as old:
        entries = {name: old.read(name) for name in old.namelist()}
    with zipfile.ZipFile(archive, "w") as new:
        for name, content in (entries | {"model.weights.h5": path.read_bytes()}).items():
            new.writestr(name, content)
    with pytest.raises(ModelFileError, match=reason):
        read_model(archive)


def test_a_whole_model_whose_arrays_are_of_other_shapes_builds_nothing(tmp_path: Path) -> None:
    one_hot(V, hidden=3).save(tmp_path / "m.h5")
    with h5py.File(tmp_path / "m.h5", "r+") as file:
        config = json.loads(str(file.attrs["model_config"]))
        config["config"]["layers"][LSTM]["config"]["units"] = 4000
        file.attrs["model_config"] = json.dumps(config)
    with pytest.raises(ModelFileError, match="other shapes"):
        read_model(tmp_path / "m.h5")


def test_weights_too_large_for_float32_are_refused(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "w.h5", "w") as file:
        for name, shape in (("0", (V, 12)), ("1", (3, 12)), ("2", (12,))):
            file[f"layers/lstm/cell/vars/{name}"] = np.full(shape, 1e300)
        file["layers/dense/vars/0"], file["layers/dense/vars/1"] = np.zeros((3, V)), np.zeros(V)
    with pytest.raises(ModelFileError, match="not finite"):
        read_weights(tmp_path / "w.h5")


def for_ever(_: Path) -> None:
    while True:
        pass


def crash(_: Path) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


@pytest.mark.parametrize("look", [for_ever, crash])
def test_what_the_library_of_hdf5_does_to_itself_is_told(
    look: Callable[[Path], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On some damaged files it loops for ever: the process that looks has so many seconds of the processor."""
    (tmp_path / "m.h5").write_bytes(b"")
    monkeypatch.setattr(keras_bounds, "open_arrays", look)
    monkeypatch.setattr(keras_bounds, "MAX_SECONDS", 1)
    with pytest.raises(ModelFileError, match="HDF5 fails on it"):
        keras_bounds.look_through(tmp_path / "m.h5")


def test_attributes_are_looked_at_though_the_arrays_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: Path) -> None:
        raise ModelFileError("refused")

    with h5py.File(tmp_path / "m.h5", "w") as file:
        file.attrs["model_config"] = "{}"
    keras_bounds.look_through(tmp_path / "m.h5")
    monkeypatch.setattr(keras_bounds, "open_arrays", refuse)
    monkeypatch.setattr(keras_bounds, "_read_attributes", crash)
    with pytest.raises(ModelFileError, match="HDF5 fails on it"):
        keras_bounds.look_through(tmp_path / "m.h5")
