"""Convert models from Keras, and to Keras, which loads them and predicts the same."""

# Keras has no types.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false

from __future__ import annotations

import tempfile
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

from nextchar.convert.characters import Characters, write_list
from nextchar.convert.keras_bounds import ARCHIVE, HDF5, look_through
from nextchar.convert.keras_library import keras_loaded
from nextchar.convert.keras_network import keras_weights
from nextchar.convert.keras_reading import Reading, holds_model, read_model
from nextchar.convert.keras_weights import read_weights
from nextchar.convert.result import Exported, Imported, without_memory
from nextchar.errors import ModelFileError
from nextchar.model.model_file import ModelFile
from nextchar.model.provenance import Provenance
from nextchar.networks.architecture import Architecture

WEIGHTS = ".weights.h5"
SUFFIXES = (WEIGHTS, ".keras", ".h5", ".hdf5")
CHARACTERS = ".characters.json"
"""Suffix of the list of characters beside a Keras model, which cannot contain them."""


def read(path: Path, characters: Characters, context_length: int | None = None) -> Imported:
    """Read a model that Keras saved, or only its weights.

    Args:
        path: the file, whatever its name.
        characters: the characters of its indices.
        context_length: characters that it reads for each prediction; if None, the length of its input.

    Raises:
        ModelFileError: it cannot be read, or its network cannot be converted.
        UsageError: the characters do not fit the model.
        MissingDependencyError: Keras is not installed.
    """
    reading = _reading(path)
    network, notes = reading.network, list(reading.notes)
    if context_length is not None:
        network = replace(network, context_length=context_length)
    elif reading.weights_only:
        notes.append(
            "the file does not say how many characters the model reads for each prediction: assuming that it keeps its "
            "state through the text; for windows of 60, give --context-length 60"
        )
    indexed = characters.of(network.vocabulary_size, network.embedding is not None)
    if indexed.note is not None:
        notes.append(indexed.note)
    try:
        architecture, vocabulary, parameters = network.in_our_layout(indexed.symbols)
    except ValueError as error:
        raise ModelFileError(f"{path} is too large for nextchar: {error}.") from error
    provenance = Provenance(
        corpus=characters.texts,
        lowercase=characters.lowercase,
        recipe="keras",
        versions={"nextchar": version("nextchar"), **({"keras": v} if (v := reading.keras_version) else {})},
    )
    return Imported(ModelFile(architecture, vocabulary, parameters, provenance), tuple(notes))


def is_keras(path: Path) -> bool:
    """Return whether the file at ``path`` begins like a Keras file: as a zip archive or as HDF5."""
    with path.open("rb") as file:
        return file.read(8).startswith((ARCHIVE, HDF5))


def _reading(path: Path) -> Reading:
    look_through(path)
    if not holds_model(path):
        network, note = read_weights(path)
        return Reading(network, (note,), weights_only=True)
    return read_model(path)


def write(model: ModelFile, path: Path) -> Exported:
    """Return the content of the Keras file for ``path``, which ends in one of `SUFFIXES`, and of its character list.

    Raises:
        MissingDependencyError: Keras is not installed.
    """
    (model, left_out), vocabulary = without_memory(model, "A Keras file"), model.characters_for("A Keras file")
    architecture, parameters = model.lstm_for("A Keras file")
    symbols = (*((None,) if vocabulary.has_unknown else ()), *vocabulary.characters)
    suffix = next(suffix for suffix in SUFFIXES if path.name.lower().endswith(suffix))
    listed = path.with_name(path.name[: -len(suffix)] + CHARACTERS)
    with keras_loaded() as keras, tempfile.TemporaryDirectory(prefix="nextchar-") as folder:
        network = _keras_model(keras, architecture)
        weights = keras_weights(architecture, parameters)
        for layer, arrays in zip(network.layers, weights, strict=True):
            layer.set_weights(arrays)
        temporary = Path(folder, f"model{suffix}")
        if suffix == WEIGHTS:
            network.save_weights(temporary)
        else:
            network.save(temporary)
        content = temporary.read_bytes()
    notes = [*left_out, f"{listed} lists the characters in the order of the model's indices"]
    if vocabulary.has_unknown:
        notes.append("index 0 stands for unknown characters: feed it for them, and never draw it")
    return Exported({listed: write_list(symbols), path: content}, tuple(notes))


def _keras_model(keras: Any, architecture: Architecture) -> Any:
    """Return a Keras model of these sizes, with random weights."""
    length, size = architecture.context_length, architecture.vocabulary_size
    layers = keras.layers
    first = (
        [keras.Input((length, size), dtype="float32")]
        if architecture.embedding is None
        else [
            keras.Input((length,), dtype="int32"),
            layers.Embedding(size, architecture.embedding, name="embedding", dtype="float32"),
        ]
    )
    last = architecture.layers - 1
    recurrent = [
        layers.LSTM(hidden, return_sequences=number < last, name=f"lstm_{number + 1}", dtype="float32")
        for number, hidden in enumerate(architecture.hidden)
    ]
    output = layers.Dense(size, activation="softmax", name="output", dtype="float32")
    return keras.Sequential([*first, *recurrent, output], name="nextchar")
