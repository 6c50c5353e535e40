"""Convert from file to file: the formats, and how to recognise them.

The format of an existing file is recognised by its first bytes, whatever its name. The format of the file to write
follows from its suffix, in upper or lower case.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from nextchar.convert import keras_model, onnx_model, single_file
from nextchar.convert.characters import Characters
from nextchar.convert.result import Exported, Imported
from nextchar.convert.single_file import holds_page
from nextchar.errors import ModelFileError, UsageError
from nextchar.files.atomic_file import write_atomically
from nextchar.files.regular_file import open_regular
from nextchar.model.language_model import LanguageModel
from nextchar.model.model_file import MAX_FILE_BYTES, ModelFile
from nextchar.model.model_path import did_you_mean, find_model

OWN = ".safetensors"
"""Suffix of nextchar's own model files."""


@dataclass(frozen=True)
class Format:
    """A format to convert from or to."""

    suffixes: tuple[str, ...]
    read: Callable[[Path, Characters, int | None], Imported] | None
    """Reads a model, given its characters and the requested context length; None if the format is only written."""
    write: Callable[[ModelFile, Path, Path], Exported]
    """Returns the content of the files for a model, given the path to write and the path the model was read from."""


def _without_source(write: Callable[[ModelFile, Path], Exported]) -> Callable[[ModelFile, Path, Path], Exported]:
    """Return ``write`` with a third parameter that it ignores: the path that the model was read from."""
    return lambda model, target, _: write(model, target)


PAGE = Format(single_file.SUFFIXES, None, single_file.write)
KERAS = Format(keras_model.SUFFIXES, keras_model.read, _without_source(keras_model.write))
FORMATS = (
    KERAS,
    Format(onnx_model.SUFFIXES, None, _without_source(onnx_model.write)),
    PAGE,
)


@dataclass(frozen=True)
class Converted:
    """The files that a conversion wrote, and its notes for the user."""

    files: tuple[Path, ...]
    notes: tuple[str, ...]


def convert(
    source: Path,
    target: Path,
    *,
    characters: Callable[[], Characters] | None = None,
    context_length: int | None = None,
    force: bool = False,
) -> Converted:
    """Convert the model ``source`` into the format that the suffix of ``target`` names, and write it there.

    One of the two is in nextchar's own format: a ``.safetensors`` file or, as the source, a run folder or a page.

    Args:
        source: the model to read.
        target: the file to write.
        characters: returns the characters of an imported model, whose format does not contain them; called after all
            other checks.
        context_length: characters that an imported model reads for each prediction, if its file does not say or to
            override what it says.
        force: overwrite an existing file.

    Raises:
        UsageError: the formats, the options or the characters do not fit, or a file already exists.
        ModelFileError: the source cannot be read or converted, or the target cannot be written.
        MissingDependencyError: the format needs a library that is not installed.
    """
    if target.is_dir():
        raise UsageError(f"{target} is a folder: give the name of the file to write.")
    target_format = _named_format(target)
    _check_source(source)
    source_format = _format_of(source)
    if source_format is not None and target_format is not None and source.name.lower().endswith(OWN):
        source_format = None  # reading it as nextchar's own gives the right error: it is damaged
    _check_target(target, force)
    if source_format is not None and target_format is None:
        imported = _import(source_format, source, characters, context_length)
        LanguageModel(imported.file).save(target)
        return Converted((target,), imported.notes)
    if source_format is not None or (target_format is None and not holds_page(source)):
        which = "Both are models" if source_format is None else "Neither is a model"
        raise UsageError(
            f"There is nothing to convert between {source} and {target}. {which} of nextchar: one of the two must be a "
            f"{OWN} file, and the other a Keras or ONNX file or a page."
        )
    if characters is not None or context_length is not None:
        raise UsageError(f"--vocabulary and --context-length are for imported models; {source} has its own.")
    return _export(source, target, target_format, force)


def _import(
    form: Format, source: Path, characters: Callable[[], Characters] | None, context_length: int | None
) -> Imported:
    """Return the model in ``source``, which is in another format."""
    if form.read is None:
        raise UsageError(
            f"{source} cannot be read: nextchar can only write this format. Give the {OWN} file that it was made from."
        )
    if characters is None:
        raise UsageError(
            f"{source} does not contain the characters that its numbers stand for: give --vocabulary, its training "
            "text (with --lowercase if that was lower-cased) or a .json list of its characters."
        )
    return form.read(source, characters(), context_length)


def _export(source: Path, target: Path, form: Format | None, force: bool) -> Converted:
    """Write nextchar's model at ``source`` in another format; None is its own, for a model in a page."""
    model = ModelFile.load(find_model(source))
    if form is None:
        LanguageModel(model).save(target)
        return Converted((target,), ("the weights are those of the page, which were rounded to float16",))
    return _write(form.write(model, target, source), force)


def _named_format(path: Path) -> Format | None:
    """Return the format of the suffix of ``path``; None is nextchar's own.

    Raises:
        UsageError: the suffix is unknown.
    """
    name = path.name.lower()
    if name.endswith(OWN):
        return None
    named = next((form for form in FORMATS if name.endswith(form.suffixes)), None)
    if named is None:
        known = ", ".join(suffix for form in FORMATS for suffix in form.suffixes)
        raise UsageError(f"The name {path} does not end in the suffix of a known format: {OWN}, {known}.")
    return named


def _format_of(path: Path) -> Format | None:
    """Return the format of the model at ``path``, recognised by its first bytes or else its suffix; None is nextchar's
    own, a folder or a page.

    Raises:
        UsageError: neither is known.
    """
    if path.is_dir() or holds_page(path):
        return None
    if keras_model.is_keras(path):
        return KERAS
    with path.open("rb") as file:
        if file.read(9)[8:] == b"{":  # the index follows its length
            return None
    named = _named_format(path)
    return None if named is PAGE else named


def _check_source(source: Path) -> None:
    if not source.exists():
        hint = did_you_mean(source) or " Give a model file or a run folder."
        raise ModelFileError(f"There is no model {source}.{hint}")
    if not source.is_dir():
        try:
            open_regular(source, MAX_FILE_BYTES).close()
        except OSError as error:
            raise ModelFileError(f"The model {source} cannot be read: {error.strerror or error}.") from error
    if (source / "saved_model.pb").exists():
        raise ModelFileError(f"{source} is a SavedModel of TensorFlow: first save it as a .keras file with Keras.")


def _check_target(target: Path, force: bool) -> None:
    if not target.parent.is_dir():
        raise UsageError(f"There is no folder {target.parent} to write {target.name} to: create it, or name another.")
    if target.exists() and not force:
        raise UsageError(f"{target} already exists: give another name, or --force to overwrite it.")


def _write(exported: Exported, force: bool) -> Converted:
    for path, content in exported.files.items():
        if path.exists() and not force and path.read_bytes() != content:
            raise UsageError(f"{path}, which would also be written, already exists: give --force to overwrite it.")
    for path, content in exported.files.items():
        try:
            write_atomically(path, content)
        except OSError as error:
            raise ModelFileError(f"{path} cannot be written: {error.strerror or error}.") from error
    return Converted(tuple(exported.files), exported.notes)
