"""A model that Keras saved, with its architecture: loaded by Keras, judged layer by layer.

The kinds and sizes of its layers are read from the file before Keras builds anything, so that code in a file (a Lambda
layer, a class of somebody's own) is never run, whatever is refused is refused by its name, and a small file that asks
for a huge network gets none.
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
from nextchar.convert.keras_library import damage_told, keras_loaded, load_h5py
from nextchar.convert.keras_network import KerasNetwork, assemble
from nextchar.convert.keras_sizes import Shape, chain, unwrapped, weight_shapes
from nextchar.convert.keras_weights import arrays_of_layers
from nextchar.errors import ModelFileError

_LETTERS = {"Embedding": "E", "LSTM": "L", "Dense": "D", "Softmax": "S", "Activation": "S"}


@dataclass(frozen=True)
class Reading:
    """What a file of Keras holds."""

    network: KerasNetwork
    notes: tuple[str, ...]
    keras_version: str | None = None
    """Version of Keras that wrote it."""
    weights_alone: bool = False
    """Whether the architecture was inferred."""


@dataclass(frozen=True)
class _Layer:
    kind: str
    config: dict[str, Any]
    arrays: list[Any]
    policy: str


def read_model(path: Path) -> Reading:
    """Read a whole model, ``.keras`` or ``.h5``.

    Raises:
        ModelFileError: it cannot be read, or is no network that can be converted.
        MissingDependencyError: Keras is not installed.
    """
    with damage_told(path):
        config, version = saved_config(path)
        _check_before_building(path, config)
    with keras_loaded() as keras, damage_told(path), tempfile.TemporaryDirectory(prefix="nextchar-") as folder:
        model = keras.saving.load_model(readable_by_keras_3(path, config, Path(folder)), compile=False)
        if not getattr(model, "inputs", None):
            raise ModelFileError(f"{path} was saved before the model had weights: train it, and save it then.")
        layers = [_layer(layer) for layer in model.layers if type(layer).__name__ != "InputLayer"]
        network, notes = _network(path, layers, model.input_shape[1])
    return Reading(network, tuple(notes), version)


def holds_model(path: Path) -> bool:
    """Return whether a ``.h5`` file holds an architecture, and not weights alone.

    Raises:
        ModelFileError: it cannot be read.
        MissingDependencyError: h5py is not installed.
    """
    with damage_told(path):
        if is_archive(path):
            return True
        with load_h5py().File(path) as file:
            return "model_config" in file.attrs


def _check_before_building(path: Path, saved: dict[str, Any]) -> None:
    """Refuse models and layers of other kinds, and weights that the file does not hold, before anything is built."""
    if saved["class_name"] not in ("Sequential", "Functional", "Model"):
        raise ModelFileError(
            f"{path} holds a {saved['class_name']}, a class of its maker's own: build the same layers as a "
            "keras.Sequential, take the weights over, and save that."
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
    """Return the name of the types that a layer computes with, a string before Keras 3."""
    policy: Any = config.get("dtype") or "float32"
    if isinstance(policy, str):
        return policy
    options = policy["config"]
    return options.get("name") or str(options.get("mode"))


def _check_weights(path: Path, expected: list[tuple[str, list[Shape]]]) -> None:
    """Refuse a file whose arrays are not of the shapes that its config asks for."""
    with open_arrays(path) as file:
        held = arrays_of_layers(path, file.get("model_weights", file))
        found = [tuple(array.shape) for _, arrays in held for array in arrays]
    if not found:
        raise ModelFileError(f"{path} was saved before the model had weights: train it, and save it then.")
    if found != [shape for _, shapes in expected for shape in shapes]:
        asked = ", ".join(f"{name} {' '.join(map(str, shapes))}" for name, shapes in expected)
        raise ModelFileError(
            f"{path} is damaged: its layers ask for weights of other shapes than it holds ({asked[:200]}). Save the "
            "model again with Keras."
        )


def _layer(layer: Any) -> _Layer:
    kind = type(layer).__name__
    if kind == "TimeDistributed":  # which an LSTM's outputs do not need: Dense works on each anyway
        layer, kind = layer.layer, type(layer.layer).__name__
    return _Layer(kind, layer.get_config(), layer.get_weights(), layer.dtype_policy.name)


def _network(path: Path, layers: list[_Layer], steps: int | None) -> tuple[KerasNetwork, list[str]]:
    """Return the network of ``layers`` that reads windows of ``steps``, and what should be known of it."""
    inactive = [layer for layer in layers if layer.kind in TRAINING_ONLY]
    active = [layer for layer in layers if layer.kind not in TRAINING_ONLY]
    embedding = [layer for layer in active if layer.kind == "Embedding"]
    recurrent = [layer for layer in active if layer.kind == "LSTM"]
    at = next(index for index, layer in enumerate(active) if layer.kind == "Dense")
    notes: list[str | None] = [check_numbers(path, x.config["name"], x.kind, x.policy) for x in active]
    for layer in embedding:
        check_embedding(path, layer.config)
    notes += [check_lstm(path, layer.config) for layer in recurrent]
    notes.append(check_output(path, active[at].config, next(((x.kind, x.config) for x in active[at + 1 :]), None)))
    if inactive:
        notes.append(f"left out, since of training alone: {_enumerated(x.config['name'] for x in inactive)}")
    if any(layer.config["stateful"] for layer in recurrent):
        steps = None
        notes.append("the model is stateful: it carries its state on through the whole text")
    arrays = [layer.arrays for layer in recurrent]
    network = assemble(path, embedding[0].arrays if embedding else [], arrays, active[at].arrays, steps)
    return network, list(dict.fromkeys(note for note in notes if note is not None))


def _check_order(path: Path, active: list[tuple[str, dict[str, Any]]]) -> None:
    """Refuse layers, kind and options of each, that are not of the kinds converted, in their order."""
    letters = "".join(_LETTERS[kind] for kind, _ in active)
    if re.fullmatch("E?L+DS?", letters):
        return
    if letters.count("D") > 1:
        kind, config = active[letters.index("D")]
        raise refusal(path, config["name"], kind, "a Dense layer before the last one is not supported")
    raise ModelFileError(
        f"{path} cannot be converted: its layers are {_enumerated(kind for kind, _ in active)}. It has to be an "
        "Embedding (or one-hot vectors), one LSTM or more, and a Dense with softmax."
    )


def _enumerated(names: Iterable[str]) -> str:
    return ", ".join(names)
