"""A model as one HTML file that writes in any browser, with nothing installed: page, engine and weights.

The weights are rounded to float16, half the size of float32, which costs less than 0.002 bits per character (a test
measures it). The model file inside is one of nextchar's own, and is read like one: so Python and the page speak from
the same weights.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from nextchar.convert.result import Exported
from nextchar.errors import ModelFileError, RunFolderError
from nextchar.files.file_size import describe_size
from nextchar.files.regular_file import read_regular
from nextchar.model.model_file import MAX_FILE_BYTES, ModelFile, Provenance
from nextchar.page import DOCTYPE, build_page, embedded_setup, is_page
from nextchar.runs.folder import MODEL, RunFolder
from nextchar.runs.record import RunRecord
from nextchar.settings import sampling_limits

SUFFIXES = (".html", ".htm")

MAX_SAMPLES = 40
"""Evaluations whose samples go with the page: with texts of 400 characters at four temperatures some 80 kB."""
MAX_BYTES = 300_000_000
"""Bytes of a model in a page. In base64 it is one string, and Chromium has none of more than 2^29 characters."""
LARGE = 20_000_000
"""Bytes of a page from which on it takes seconds to open, and a phone may have no room for it."""


def write(model: ModelFile, path: Path, source: Path) -> Exported:
    """Return the content of the page for ``path``.

    Args:
        model: what is to write in it.
        path: of the page.
        source: where the model was read from; the history of a run folder, or of a page, goes with it.

    Raises:
        ModelFileError: the model is too large for a page.
    """
    model.lstm_for("A page")
    content = replace(model, provenance=_for_others(model.provenance)).to_bytes(half=True)
    if len(content) > MAX_BYTES:
        raise ModelFileError(
            f"{path} cannot be written: the model has {describe_size(len(content))}, and no browser opens a page "
            f"with more than {describe_size(MAX_BYTES)}. Train a smaller model (--hidden), or serve this one."
        )
    name, history, notes = _history(source)
    setup = {"life": "exported", "name": name, "history": history, "limits": sampling_limits()}
    page = build_page(setup, content).encode()
    return Exported({path: page}, (*notes, _size_note(len(page))))


def holds_page(path: Path) -> bool:
    """Return whether ``path`` is a file that begins as a page does, whatever its name is."""
    if not path.is_file():
        return False
    with path.open("rb") as file:
        return is_page(file.read(len(DOCTYPE)))


def _history(source: Path) -> tuple[str, dict[str, Any] | None, tuple[str, ...]]:
    """Return the name of the model at ``source``, its history where there is one, and notes."""
    if holds_page(source):
        setup = embedded_setup(read_regular(source, MAX_FILE_BYTES))
        return setup["name"], setup.get("history", setup.get("growth")), ()  # pages once called it growth
    place = source.parent if source.name == MODEL else source
    folder = RunFolder(place)
    name = place.resolve().name if folder.exists or not source.is_file() else source.stem
    try:
        history = RunRecord.read(folder).history(MAX_SAMPLES) if folder.exists else None
    except RunFolderError as error:
        return name, None, (f"what the model wrote as it learned is left out: {error}",)
    # In the page the run does not go on, whether it is finished or not.
    return name, {**history, "finished": True} if history and history["evaluations"] else None, ()


def _for_others(provenance: Provenance) -> Provenance:
    """Return ``provenance`` without the key in the cache, which is nobody else's business, without what is no UTF-8 in
    a name, and without numbers that JSON does not have and JavaScript does not read."""
    names = tuple(name.encode("utf-8", "replace").decode() for name in provenance.corpus)
    shared = provenance.model_copy(update={"corpus": names, "corpus_key": None})
    return Provenance.model_validate_json(shared.model_dump_json())  # pydantic writes an infinity as null


def _size_note(size: int) -> str:
    large = "; it takes some seconds to open, and a phone may have no room for it" if size > LARGE else ""
    return f"a page of {describe_size(size)}, with the weights rounded to float16{large}"
