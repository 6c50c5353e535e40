"""`nextchar convert`."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from nextchar.cli.app import DONE
from nextchar.cli.console import note, resolve
from nextchar.errors import UsageError
from nextchar.settings import Errors
from nextchar.text.reading_options import ReadingOptions

if TYPE_CHECKING:
    from nextchar.convert.characters import Characters

Flag = Annotated[bool, Parameter(negative=())]


def convert(
    source: Path,
    target: Path,
    *,
    vocabulary: str | None = None,
    lowercase: Flag = False,
    encoding: str | None = None,
    errors: Errors = "strict",
    context_length: int | None = None,
    force: Flag = False,
) -> int:
    """Convert a model: to a page that writes in any browser (.html), to ONNX (.onnx), from Keras (.keras, .h5,
    .weights.h5) to nextchar (.safetensors), or back.

    Parameters
    ----------
    source
        The model to read: a model file, or a run folder, whose history goes into a page.
    target
        The file to write; its suffix gives the format.
    vocabulary
        The characters of a Keras model: the text it was trained on, whose distinct characters are sorted, or a .json
        file with the characters.
    lowercase
        The Keras model was trained on lower-cased text.
    encoding
        Encoding of the text; detected by default, with a note.
    errors
        What to do with bytes that do not decode: strict stops with an error, replace reads U+FFFD for each wrong
        sequence, latin reads each wrong byte as cp1252.
    context_length
        Characters that the Keras model reads for each prediction, at most 4,096; taken from its input by default.
    force
        Overwrite an existing file.
    """
    from nextchar.convert.conversion import convert as convert_model

    if vocabulary is None and (lowercase or encoding is not None or errors != "strict"):
        raise UsageError(
            "--lowercase, --encoding and --errors say how to read --vocabulary: give it too, or leave them out."
        )
    if context_length is not None and not 1 <= context_length <= 4096:
        raise UsageError(f"--context-length {context_length} is not allowed: give 1 to 4096 characters.")
    characters = None if vocabulary is None else partial(_characters, vocabulary, lowercase, encoding, errors)
    converted = convert_model(source, target, characters=characters, context_length=context_length, force=force)
    for message in converted.notes:
        note(message)
    print(target)
    return DONE


def _characters(vocabulary: str, lowercase: bool, encoding: str | None, errors: Errors) -> Characters:
    from nextchar.convert.characters import TextCharacters, read_list

    if not vocabulary.lower().endswith(".json"):
        return TextCharacters(resolve([vocabulary], ReadingOptions(encoding, errors)).files, lowercase)
    if encoding is not None or errors != "strict":
        raise UsageError(f"--encoding and --errors are for texts: {vocabulary} is JSON, which is always in UTF-8.")
    return read_list(Path(vocabulary), lowercase)
