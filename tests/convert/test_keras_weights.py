"""Keras files that have only weights, in both layouts."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from nextchar.convert.keras_reading import holds_model
from nextchar.convert.keras_weights import arrays_of_layers, read_weights
from nextchar.errors import ModelFileError
from nextchar.model.language_model import LanguageModel
from nextchar.networks.architecture import Architecture
from tests.keras_models import (
    CHARACTERS,
    NUMPY_WARNING,
    SMALL,
    TEXT,
    V,
    around,
    imported,
    last,
    legacy_file,
    one_hot,
    ours,
    probabilities,
    windows,
)

pytestmark = pytest.mark.filterwarnings(NUMPY_WARNING)


def test_weights_of_keras_2(tmp_path: Path) -> None:
    model = one_hot(V)
    legacy_file(tmp_path / "old.h5", [layer.get_weights() for layer in model.layers])
    with h5py.File(tmp_path / "old.h5") as whole, h5py.File(tmp_path / "weights.h5", "w") as alone:
        weights = whole["model_weights"]
        assert isinstance(weights, h5py.Group)
        for name, group in weights.items():
            weights.copy(group, alone, name)
        alone.attrs["layer_names"] = weights.attrs["layer_names"]
    found = imported(tmp_path / "weights.h5", 60)
    ids = windows(TEXT, CHARACTERS)
    np.testing.assert_allclose(ours(LanguageModel(found.file), ids), probabilities(model, ids), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda: around(lambda k: k.GRU(4), last), r"GRU is not supported.*'gru', GRU"),
        (lambda: around(lambda k: k.SimpleRNN(4), last), "SimpleRNN is not supported"),
        (lambda: around(lambda k: k.Bidirectional(k.LSTM(4)), last), "Bidirectional is not supported"),
        (lambda: around(lambda k: k.LSTM(4), lambda k: k.Dense(5), last), "a layer other than an LSTM"),
        (lambda: around(lambda k: k.LSTM(4)), "an LSTM and a Dense layer are needed"),
    ],
)
def test_weights_of_other_layers_are_refused(make: Callable[[], Any], reason: str, tmp_path: Path) -> None:
    make().save_weights(tmp_path / "model.weights.h5")
    with pytest.raises(ModelFileError, match=reason):
        read_weights(tmp_path / "model.weights.h5")


@pytest.mark.parametrize(("columns", "reason"), [(12, "GRU"), (4, "SimpleRNN"), (20, "a layer other")])
def test_weights_without_the_names_of_classes_are_told_by_their_shapes(
    columns: int, reason: str, tmp_path: Path
) -> None:
    with h5py.File(tmp_path / "weights.h5", "w") as file:
        file.attrs["layer_names"] = ["mine", "last"]
        for name, shapes in (("mine", [(SMALL, columns), (4, columns), (columns,)]), ("last", [(4, SMALL), (SMALL,)])):
            group = file.create_group(name)
            group.attrs["weight_names"] = [str(number) for number in range(len(shapes))]
            for number, shape in enumerate(shapes):
                group[str(number)] = np.zeros(shape, np.float32)
    assert not holds_model(tmp_path / "weights.h5")
    with pytest.raises(ModelFileError, match=f"{reason}.*'mine'"):
        read_weights(tmp_path / "weights.h5")


def test_any_other_hdf5_file_is_refused(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "data.h5", "w") as file:
        file["x"] = np.zeros(3)
    with pytest.raises(ModelFileError, match="has no weights of Keras"):
        read_weights(tmp_path / "data.h5")


def test_layers_are_in_the_order_of_the_network_and_not_of_their_names(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "w.h5", "w") as file:
        for name in ("dense/vars", "lstm_10/cell/vars", "lstm_2/cell/vars", "embedding/vars"):
            file[f"layers/{name}/0"] = np.zeros((2, 2))
        file.create_group("layers/dropout/vars")
        names = [name for name, _ in arrays_of_layers(tmp_path / "w.h5", file)]
    assert names == ["embedding", "lstm_2", "lstm_10", "dense"]


def test_the_sizes_are_inferred_from_the_shapes(tmp_path: Path) -> None:
    arrays = {"embedding/vars": [(5, 3)], "lstm/cell/vars": [(3, 8), (2, 8)], "dense/vars": [(2, 5), (5,)]}
    with h5py.File(tmp_path / "w.h5", "w") as file:
        for name, shapes in arrays.items():
            for number, shape in enumerate(shapes):
                file[f"layers/{name}/{number}"] = np.zeros(shape)
    network, note = read_weights(tmp_path / "w.h5")
    assert network.architecture() == Architecture(vocabulary_size=5, embedding=3, hidden=(2,), context_length=None)
    assert "only weights (embedding, lstm, dense)" in note
