"""Read a Keras model with its architecture: Keras loads it, and each layer is checked.

The kinds and sizes of the layers are read from the file before Keras builds anything. So code in a file (a Lambda layer
or a custom class) is never run, errors name the layer that cannot be converted, and a small file cannot request a huge
network.
"""

# Keras and h5py have no types.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nextchar.convert.keras_bounds import is_archive, open_arrays
from nextchar.convert.keras_layers import (
    TRAINING_ONLY,
    check_embedding,
    check_kind,
    check_lstm,
    check_numbers,
    check_output,
    refusal,
)
from nextchar.convert.keras_legacy import readable_by_keras_3, saved_config
from nextchar.convert.keras_library import damage_reported, keras_loaded, load_h5py
from nextchar.convert.keras_network import KerasNetwork, assemble
from nextchar.convert.keras_sizes import Shape, chain, unwrapped, weight_shapes
from nextchar.convert.keras_weights import arrays_of_layers
from nextchar.errors import ModelFileError

_LETTERS = {"Embedding": "E", "LSTM": "L", "Dense": "D", "Softmax": "S", "Activation": "S"}


@dataclass(frozen=True)
class Reading:
    """What a Keras file contains."""

    network: KerasNetwork
    notes: tuple[str, ...]
    keras_version: str | None = None
    """Version of Keras that wrote the file; None if it does not say."""
    weights_only: bool = False
    """Whether the architecture was inferred from the weights."""


@dataclass(frozen=True)
class _Layer:
    kind: str
    config: dict[str, Any]
    arrays: list[Any]
    policy: str


def read_model(path: Path) -> Reading:
    """Read a whole model, ``.keras`` or ``.h5``.

    Raises:
        ModelFileError: it cannot be read, or its network cannot be converted.
        MissingDependencyError: Keras is not installed.
    """
    with damage_reported(path):
        config, version = saved_config(path)
        _check_before_building(path, config)
    with keras_loaded() as keras, damage_reported(path), tempfile.TemporaryDirectory(prefix="nextchar-") as folder:
        model = keras.saving.load_model(readable_by_keras_3(path, config, Path(folder)), compile=False)
        if not getattr(model, "inputs", None):
            raise ModelFileError(f"{path} was saved before the model had weights: train the model, then save it.")
        layers = [_layer(layer) for layer in model.layers if type(layer).__name__ != "InputLayer"]
        network, notes = _network(path, layers, model.input_shape[1])
    return Reading(network, tuple(notes), version)


def holds_model(path: Path) -> bool:
    """Return whether a Keras file contains an architecture, and not only weights.

    Raises:
        ModelFileError: it cannot be read.
        MissingDependencyError: h5py is not installed.
    """
    with damage_reported(path):
        if is_archive(path):
            return True
        with load_h5py().File(path) as file:
            return "model_config" in file.attrs


def _check_before_building(path: Path, saved: dict[str, Any]) -> None:
    """Refuse other kinds of models and layers, and weights that the file does not contain, before anything is built."""
    if saved["class_name"] not in ("Sequential", "Functional", "Model"):
        raise ModelFileError(
            f"{path} contains a {saved['class_name']}, a custom class: build the same layers as a keras.Sequential, "
            "copy the weights, and save that."
        )
    entries = chain(path, saved)
    for entry in entries:
        kind, options = entry["class_name"], entry["config"]
        name = options.get("name", kind)
        check_kind(path, name, kind)
        if kind == "TimeDistributed" and options["layer"]["class_name"] not in {"Dense", *TRAINING_ONLY}:
            check_kind(path, name, f"{kind}({options['layer']['class_name']})")

    kinds = [(unwrapped(entry)["class_name"], unwrapped(entry)["config"]) for entry in entries]
    active = [(kind, config) for kind, config in kinds if kind not in {"InputLayer", *TRAINING_ONLY}]
    _check_order(path, active)
    for kind, config in active:
        check_numbers(path, config.get("name"), kind, _policy(config))
    _check_weights(path, weight_shapes(path, entries, saved))


def _policy(config: dict[str, Any]) -> str:
    """Return the name of the number types that a layer computes with, which is a string before Keras 3."""
    policy: Any = config.get("dtype") or "float32"
    if isinstance(policy, str):
        return policy
    options = policy["config"]
    return options.get("name") or str(options.get("mode"))


def _check_weights(path: Path, expected: list[tuple[str, list[Shape]]]) -> None:
    """Refuse a file whose arrays do not have the shapes that its config requires."""
    with open_arrays(path) as file:
        layers = arrays_of_layers(path, file.get("model_weights", file))
        shapes = [tuple(array.shape) for _, arrays in layers for array in arrays]
    if not shapes:
        raise ModelFileError(f"{path} was saved before the model had weights: train the model, then save it.")
    if shapes != [shape for _, of_layer in expected for shape in of_layer]:
        required = ", ".join(f"{name} {' '.join(map(str, of_layer))}" for name, of_layer in expected)
        raise ModelFileError(
            f"{path} is damaged: its weights have other shapes than its layers require ({required[:200]}). Save the "
            "model again with Keras."
        )


def _layer(layer: Any) -> _Layer:
    kind = type(layer).__name__
    if kind == "TimeDistributed":  # not needed: Dense works on every time step anyway
        layer, kind = layer.layer, type(layer.layer).__name__
    return _Layer(kind, layer.get_config(), layer.get_weights(), layer.dtype_policy.name)


def _network(path: Path, layers: list[_Layer], steps: int | None) -> tuple[KerasNetwork, list[str]]:
    """Return the network of ``layers`` that reads windows of ``steps``, and notes for the user."""
    inactive = [layer for layer in layers if layer.kind in TRAINING_ONLY]
    active = [layer for layer in layers if layer.kind not in TRAINING_ONLY]
    embedding = [layer for layer in active if layer.kind == "Embedding"]
    recurrent = [layer for layer in active if layer.kind == "LSTM"]
    dense = next(index for index, layer in enumerate(active) if layer.kind == "Dense")
    notes: list[str | None] = [check_numbers(path, x.config["name"], x.kind, x.policy) for x in active]
    for layer in embedding:
        check_embedding(path, layer.config)
    notes += [check_lstm(path, layer.config) for layer in recurrent]
    after = next(((layer.kind, layer.config) for layer in active[dense + 1 :]), None)
    notes.append(check_output(path, active[dense].config, after))
    if inactive:
        notes.append(f"left out, because they are only for training: {_enumerated(x.config['name'] for x in inactive)}")
    if any(layer.config["stateful"] for layer in recurrent):
        steps = None
        notes.append("the model is stateful: it keeps its state through the whole text")
    arrays = [layer.arrays for layer in recurrent]
    network = assemble(path, embedding[0].arrays if embedding else [], arrays, active[dense].arrays, steps)
    return network, list(dict.fromkeys(note for note in notes if note is not None))


def _check_order(path: Path, active: list[tuple[str, dict[str, Any]]]) -> None:
    """Refuse layers whose order cannot be converted; ``active`` has the kind and options of each."""
    letters = "".join(_LETTERS[kind] for kind, _ in active)
    if re.fullmatch("E?L+DS?", letters):
        return
    if letters.count("D") > 1:
        kind, config = active[letters.index("D")]
        raise refusal(path, config["name"], kind, "a Dense layer before the last one is not supported")
    raise ModelFileError(
        f"{path} cannot be converted: its layers are {_enumerated(kind for kind, _ in active)}. They must be an "
        "Embedding (or one-hot vectors), one or more LSTM, and a Dense with softmax."
    )


def _enumerated(names: Iterable[str]) -> str:
    return ", ".join(names)
