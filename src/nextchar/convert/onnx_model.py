"""Write models as ONNX files, which onnxruntime and others compute without nextchar.

The graph is that of `nextchar.convert.onnx_graph`. Everything else that is needed to generate text is in the metadata
of the file, each entry as JSON:

    format            1, the version of these entries
    architecture      the sizes, as in nextchar's own files
    characters        the character of each id, in order; null is the unknown symbol, which is read but never drawn
    tokens            in place of characters, where the ids stand for something else: kind, as in nextchar's own files,
                      and texts, the text of each id, in order; without texts the ids are bytes
    succession        for tokens of which not every sequence is a text: classes, that of each id, and may_follow,
                      whether an id of one class (the column) may follow one of another (the row); 0 is also the class
                      of a prompt
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
from nextchar.text.tokenizer import Tokenizer

SUFFIXES = (".onnx",)

METADATA_FORMAT = 1
OPSET = 17
IR_VERSION = 8
"""Both are those of ONNX 1.12 (2022). Nothing newer is needed, and onnxruntime reads them since 1.12."""

NEXT = {
    "characters": "character",
    "bytes": "byte",
    "jamo": "jamo, or other character,",
    "words": "word, sign or character",
}
LISTED = {
    "characters": "the metadata entry characters, in JSON like the others, lists the character of each id",
    "bytes": "the ids are the bytes of the text",
    "jamo": "the metadata entry tokens, in JSON like the others, lists the text of each id, and succession which may "
    "follow which; the texts, joined and composed (NFC), are syllables",
    "words": "the metadata entry tokens, in JSON like the others, lists the text of each id",
}
"""What a network predicts by the kind of its tokens, and what its ids stand for."""

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
    facts = describe(model)
    entries: dict[str, object] = {
        "format": METADATA_FORMAT,
        "architecture": model.architecture.model_dump(mode="json"),
        **_tokens(model.vocabulary),
        "has_unknown": bool(model.vocabulary.never_drawn),
        **{name: facts[name] for name in ("start_id", "context_length", "lowercase")},
        "provenance": model.provenance.model_dump(mode="json"),
    }
    # In ASCII: a character can be NUL, which would end a C string, and a text's name may not be valid UTF-8.
    return {name: json.dumps(entry) for name, entry in entries.items()}


def _tokens(tokens: Tokenizer) -> dict[str, object]:
    """Return the entries that say what the ids stand for."""
    if tokens.kind == "bytes":
        return {"tokens": {"kind": tokens.kind}}
    every_text = tokens.token_texts(range(tokens.size))
    texts = [None if id_ in tokens.never_drawn else text for id_, text in enumerate(every_text)]
    if tokens.kind == "characters":
        return {"characters": texts}
    entries: dict[str, object] = {"tokens": {"kind": tokens.kind, "texts": texts}}
    if (succession := tokens.succession) is not None:
        classes, may_follow = succession.classes.tolist(), succession.may_follow.tolist()
        entries["succession"] = {"classes": classes, "may_follow": may_follow}
    return entries


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
        f"Predicts the next {NEXT[model.vocabulary.kind]} of a text: {loop}; draw from softmax(logits / temperature) "
        f"of the last step{', never id 0' if model.vocabulary.never_drawn else ''}; {LISTED[model.vocabulary.kind]}."
    )


def _notes(model: ModelFile) -> tuple[str, ...]:
    """Return notes for the user."""
    of_characters = model.vocabulary.kind == "characters"
    listed = "the characters in the order of their ids" if of_characters else "what the ids stand for"
    notes = [f"the metadata of the file lists {listed}, and the settings"]
    length = model.architecture.context_length
    if model.vocabulary.never_drawn:
        notes.append("id 0 stands for unknown characters: feed it for them, and never draw it")
    if length is not None:
        notes.append(
            f"each prediction reads the last {length} characters: feed their ids from the zero state every time, and "
            "use the last logits"
        )
    return tuple(notes)
