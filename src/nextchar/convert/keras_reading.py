"""A model that Keras saved, with its architecture: loaded by Keras, judged layer by layer.

The kinds of its layers are read from the file before Keras builds anything, so that code in a file (a Lambda layer, a
class of somebody's own) is never run and whatever is refused is refused by its name.
"""

# Keras and h5py have no types.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nextchar.convert.keras_layers import (
    TRAINING_ONLY,
    check_embedding,
    check_kind,
    check_lstm,
    check_numbers,
    check_output,
    refusal,
)
from nextchar.convert.keras_legacy import layers_of, readable_by_keras_3, saved_config
from nextchar.convert.keras_library import damage_told, keras_loaded, load_h5py
from nextchar.convert.keras_network import KerasNetwork, assemble
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
        _check_kinds(path, config)
    with keras_loaded() as keras, damage_told(path), tempfile.TemporaryDirectory(prefix="nextchar-") as folder:
        model = keras.saving.load_model(readable_by_keras_3(path, config, Path(folder)), compile=False)
        if not getattr(model, "inputs", None):
            raise ModelFileError(f"{path} was saved before the model had weights: train it, and save it then.")
        _check_is_chain(path, model)
        layers = [_layer(layer) for layer in model.layers if type(layer).__name__ != "InputLayer"]
        network, notes = _network(path, layers, model.input_shape[1])
    return Reading(network, tuple(notes), version)


def holds_model(path: Path) -> bool:
    """Return whether a ``.h5`` file holds an architecture, and not weights alone.

    Raises:
        ModelFileError: it cannot be read.
        MissingDependencyError: h5py is not installed.
    """
    h5py = load_h5py()
    with damage_told(path), h5py.File(path) as file:
        return "model_config" in file.attrs


def _check_kinds(path: Path, saved: dict[str, Any]) -> None:
    """Refuse models and layers of other kinds, before anything in the file is built."""
    if saved["class_name"] not in ("Sequential", "Functional", "Model"):
        raise ModelFileError(
            f"{path} holds a {saved['class_name']}, a class of its maker's own: build the same layers as a "
            "keras.Sequential, take the weights over, and save that."
        )
    for entry in layers_of(saved):
        kind, options = entry["class_name"], entry["config"]
        name = options.get("name", kind)
        check_kind(path, name, kind)
        if kind == "TimeDistributed" and options["layer"]["class_name"] not in {"Dense", *TRAINING_ONLY}:
            check_kind(path, name, f"{kind}({options['layer']['class_name']})")


def _check_is_chain(path: Path, model: Any) -> None:
    """Refuse a model that is not one layer after another."""
    if len(model.inputs) != 1 or len(model.outputs) != 1:
        raise ModelFileError(
            f"{path} has {len(model.inputs)} inputs and {len(model.outputs)} outputs: models that read one text "
            "and predict one character are converted."
        )
    for entry in model.get_config()["layers"]:
        nodes = entry.get("inbound_nodes", [])
        if len(nodes) > 1 or any(json.dumps(node, default=str).count('"keras_history"') > 1 for node in nodes):
            name, kind = entry["config"]["name"], entry["class_name"]
            raise refusal(path, name, kind, "models that are not one layer after another are not supported")


def _layer(layer: Any) -> _Layer:
    kind = type(layer).__name__
    if kind == "TimeDistributed":  # which an LSTM's outputs do not need: Dense works on each anyway
        layer, kind = layer.layer, type(layer.layer).__name__
    return _Layer(kind, layer.get_config(), layer.get_weights(), layer.dtype_policy.name)


def _network(path: Path, layers: list[_Layer], steps: int | None) -> tuple[KerasNetwork, list[str]]:
    """Return the network of ``layers`` that reads windows of ``steps``, and what should be known of it."""
    inactive = [layer for layer in layers if layer.kind in TRAINING_ONLY]
    active = [layer for layer in layers if layer.kind not in TRAINING_ONLY]
    _check_order(path, active)
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


def _check_order(path: Path, active: list[_Layer]) -> None:
    letters = "".join(_LETTERS[layer.kind] for layer in active)
    if re.fullmatch("E?L+DS?", letters):
        return
    if letters.count("D") > 1:
        hidden = active[letters.index("D")]
        why = "a Dense layer before the last one is not supported"
        raise refusal(path, hidden.config["name"], hidden.kind, why)
    raise ModelFileError(
        f"{path} cannot be converted: its layers are {_enumerated(layer.kind for layer in active)}. It has to be an "
        "Embedding (or one-hot vectors), one LSTM or more, and a Dense with softmax."
    )


def _enumerated(names: Iterable[str]) -> str:
    return ", ".join(names)
