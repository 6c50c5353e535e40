"""Write models as ONNX files, which onnxruntime and others compute without nextchar.

The graph is that of `nextchar.convert.onnx_graph`. Everything else that is needed to generate text is in the metadata
of the file, each entry as JSON:

    format            1, the version of these entries
    architecture      the sizes, as in nextchar's own files
    characters        the character of each id, in order; null is the unknown symbol, which is read but never drawn
    has_unknown       whether there is an unknown symbol, at id 0
    start_id          id that is read before a text's first character
    context_length    null: keep the state through the text; n: for each prediction read the last n characters from the
                      zero state
    lowercase         whether the model was trained on lower-cased text
    provenance        where the model comes from, as in nextchar's own files
"""

from __future__ import annotations

import json
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from typing import Any

from nextchar.convert.onnx_graph import draw_graph
from nextchar.convert.result import Exported, without_memory
from nextchar.errors import MissingDependencyError, ModelFileError
from nextchar.files.file_size import describe_size
from nextchar.model.description import describe
from nextchar.model.model_file import ModelFile
from nextchar.networks.architecture import Architecture

SUFFIXES = (".onnx",)

METADATA_FORMAT = 1
OPSET = 17
IR_VERSION = 8
"""Both are those of ONNX 1.12 (2022). Nothing newer is needed, and onnxruntime reads them since 1.12."""

MAX_BYTES = 2**31 - 2**26
"""Largest weights in bytes: the 2 GiB that a protocol buffer can hold, minus room for the metadata."""


def write(model: ModelFile, path: Path) -> Exported:
    """Return the content of the ONNX model for ``path``.

    Raises:
        ModelFileError: the model is too large for the format.
        MissingDependencyError: the library onnx is not installed.
    """
    model, notes = without_memory(model, "An ONNX file")
    architecture, parameters = model.lstm_for("An ONNX file")
    _check_size(architecture, path)
    onnx = _load_onnx()
    helper = onnx.helper
    onnx_file = helper.make_model(
        draw_graph(onnx, architecture, parameters),
        producer_name="nextchar",
        producer_version=version("nextchar"),
        doc_string=_directions(model),
        opset_imports=[helper.make_opsetid("", OPSET)],
        ir_version=IR_VERSION,
    )
    helper.set_model_props(onnx_file, _metadata(model))
    onnx.checker.check_model(onnx_file, full_check=True)
    return Exported({path: onnx_file.SerializeToString()}, (*notes, *_notes(model)))


def _check_size(architecture: Architecture, path: Path) -> None:
    size = 4 * architecture.parameter_count
    if size > MAX_BYTES:
        raise ModelFileError(
            f"{path} cannot be written: the weights have {describe_size(size)}, and an ONNX file can hold at most "
            f"{describe_size(MAX_BYTES)}. Convert a smaller model."
        )


def _load_onnx() -> Any:
    try:
        return import_module("onnx")
    except ImportError as error:
        raise MissingDependencyError(
            f'The library onnx is needed to write ONNX files ({error}): pip install "nextchar[onnx]".'
        ) from error


def _metadata(model: ModelFile) -> dict[str, str]:
    vocabulary, facts = model.characters_for("An ONNX file"), describe(model)
    entries: dict[str, object] = {
        "format": METADATA_FORMAT,
        "architecture": model.architecture.model_dump(mode="json"),
        "characters": [*([None] if vocabulary.has_unknown else []), *vocabulary.characters],
        "has_unknown": vocabulary.has_unknown,
        **{name: facts[name] for name in ("start_id", "context_length", "lowercase")},
        "provenance": model.provenance.model_dump(mode="json"),
    }
    # In ASCII: a character can be NUL, which would end a C string, and a text's name may not be valid UTF-8.
    return {name: json.dumps(entry) for name, entry in entries.items()}


def _directions(model: ModelFile) -> str:
    """Return a sentence on how to use the model."""
    length = model.architecture.context_length
    loop = (
        "begin with a zero state, feed the ids of the prompt and then each drawn id, always with the state after the "
        "previous one"
        if length is None
        else f"for each character feed the ids of the last {length} (fewer at the beginning of a text) and a zero state"
    )
    return (
        f"Predicts the next character of a text: {loop}; draw from softmax(logits / temperature) of the last step"
        f"{', never id 0' if model.vocabulary.never_drawn else ''}; the metadata entry characters, in JSON like the "
        "others, lists the character of each id."
    )


def _notes(model: ModelFile) -> tuple[str, ...]:
    """Return notes for the user."""
    notes = ["the metadata of the file lists the characters in the order of their ids, and the settings"]
    length = model.architecture.context_length
    if model.vocabulary.never_drawn:
        notes.append("id 0 stands for unknown characters: feed it for them, and never draw it")
    if length is not None:
        notes.append(
            f"each prediction reads the last {length} characters: feed their ids from the zero state every time, and "
            "use the last logits"
        )
    return tuple(notes)
