"""From a file to a file: which formats there are, and which one a file is in.

The first bytes of an existing file tell its format, whatever its name is. The suffix tells the format of a file to be
written, in upper or lower case.
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
    """A format that models come from or go to."""

    suffixes: tuple[str, ...]
    read: Callable[[Path, Characters, int | None], Imported] | None
    """Reads a model, given its characters and the context length asked for; None where that cannot be."""
    write: Callable[[ModelFile, Path, Path], Exported]
    """Returns a model as the content of files, one of them at the path that comes first; the other one is where the
    model was read from."""


def _of_the_model(write: Callable[[ModelFile, Path], Exported]) -> Callable[[ModelFile, Path, Path], Exported]:
    """Return ``write``, to which it does not matter where the model was read from."""
    return lambda model, target, _: write(model, target)


PAGE = Format(single_file.SUFFIXES, None, single_file.write)
KERAS = Format(keras_model.SUFFIXES, keras_model.read, _of_the_model(keras_model.write))
FORMATS = (
    KERAS,
    Format(onnx_model.SUFFIXES, None, _of_the_model(onnx_model.write)),
    PAGE,
)


@dataclass(frozen=True)
class Converted:
    """What a conversion wrote and has to tell."""

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

    One of the two is nextchar's own (a ``.safetensors`` file; as the source, a run folder or a page too).

    Args:
        source: the model to read.
        target: where to write.
        characters: returns the characters of a model that is imported, whose format does not hold them; it is called
            once everything else is in order.
        context_length: characters that an imported model reads for each prediction, where its file does not say or is
            to be overruled.
        force: write over a file that is there.

    Raises:
        UsageError: the formats, the options or the characters do not fit, or a file is in the way.
        ModelFileError: the source cannot be read or holds what cannot be converted, or the target cannot be written.
        MissingDependencyError: the format needs a library that is not installed.
    """
    if target.is_dir():
        raise UsageError(f"{target} is a folder: give the name of the file to write.")
    foreign_target = _named_format(target)
    _check_source(source)
    foreign_source = _format_of(source)
    if foreign_source is not None and foreign_target is not None and source.name.lower().endswith(OWN):
        foreign_source = None  # whatever it is instead, as a model of nextchar's it is damaged
    _check_target(target, force)
    if foreign_source is not None and foreign_target is None:
        imported = _import(foreign_source, source, characters, context_length)
        LanguageModel(imported.file).save(target)
        return Converted((target,), imported.notes)
    if foreign_source is not None or (foreign_target is None and not holds_page(source)):
        which = "Both are models" if foreign_source is None else "Neither is a model"
        raise UsageError(
            f"There is nothing to convert between {source} and {target}. {which} of nextchar: one of the two has to be "
            f"a {OWN} file, the other one of Keras or ONNX, or a page."
        )
    if characters is not None or context_length is not None:
        raise UsageError(f"--vocabulary and --context-length are for models that are imported; {source} has its own.")
    model = ModelFile.load(find_model(source))
    if foreign_target is None:
        LanguageModel(model).save(target)
        return Converted((target,), ("the weights are those of the page, which were rounded to float16",))
    return _write(foreign_target.write(model, target, source), force)


def _import(
    form: Format, source: Path, characters: Callable[[], Characters] | None, context_length: int | None
) -> Imported:
    """Return the model in ``source``, which is of another format."""
    if form.read is None:
        raise UsageError(
            f"{source} cannot be read: models are only written in its format. Give the {OWN} file it was made from."
        )
    if characters is None:
        raise UsageError(
            f"{source} does not say which characters its numbers stand for: give --vocabulary, the text that it "
            "was trained on (with --lowercase if that was lower-cased), or a .json list of its characters."
        )
    return form.read(source, characters(), context_length)


def _named_format(path: Path) -> Format | None:
    """Return the format that the name of ``path`` says; None is nextchar's own.

    Raises:
        UsageError: it says none.
    """
    name = path.name.lower()
    if name.endswith(OWN):
        return None
    found = next((form for form in FORMATS if name.endswith(form.suffixes)), None)
    if found is None:
        known = ", ".join(suffix for form in FORMATS for suffix in form.suffixes)
        raise UsageError(f"The name {path} says no format that is known: let it end in {OWN}, {known}.")
    return found


def _format_of(path: Path) -> Format | None:
    """Return the format of the model at ``path`` by its first bytes, or its name where they say nothing; None is
    nextchar's own, as is that of a folder, or of a page.

    Raises:
        UsageError: neither says one.
    """
    if path.is_dir() or holds_page(path):
        return None
    if keras_model.is_keras(path):
        return KERAS
    with path.open("rb") as file:
        if file.read(9)[8:] == b"{":  # after the length of the index, the index
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
        raise ModelFileError(f"{source} is a SavedModel of TensorFlow: save it as a .keras file with Keras first.")


def _check_target(target: Path, force: bool) -> None:
    if not target.parent.is_dir():
        raise UsageError(f"There is no folder {target.parent} to write {target.name} to: make it, or name another.")
    if target.exists() and not force:
        raise UsageError(f"{target} is there already: give another name, or --force to write over it.")


def _write(exported: Exported, force: bool) -> Converted:
    for path, content in exported.files.items():
        if path.exists() and not force and path.read_bytes() != content:
            raise UsageError(f"{path}, to be written too, is there already: give --force to write over it.")
    for path, content in exported.files.items():
        try:
            write_atomically(path, content)
        except OSError as error:
            raise ModelFileError(f"{path} cannot be written: {error.strerror or error}.") from error
    return Converted(tuple(exported.files), exported.notes)
