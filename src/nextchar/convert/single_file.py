"""Write a model as one HTML file that generates text in any browser, with nothing to install.

The weights are rounded to float16, half the size of float32, which costs less than 0.002 bits per character (a test
measures it). Of what a blend has counted, the page has the n-grams that are worth most. The page contains a file in
nextchar's own format, so Python and the page compute with the same weights.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from nextchar.convert.result import Exported
from nextchar.errors import ModelFileError, RunFolderError
from nextchar.files.file_size import describe_size
from nextchar.files.regular_file import read_regular
from nextchar.model.blending import prune_both
from nextchar.model.model_file import MAX_FILE_BYTES, ModelFile
from nextchar.model.provenance import Provenance
from nextchar.networks.architecture import Architecture
from nextchar.networks.headers import BlendHeader, NgramHeader
from nextchar.networks.kinds import WEIGHTS, blend_content, counts_of, network_alone, ngram_content, text_counts_of
from nextchar.networks.ngram_pruning import prune
from nextchar.page import DOCTYPE, build_page, embedded_setup, is_page
from nextchar.runs.folder import MODEL, RunFolder
from nextchar.runs.record import RunRecord
from nextchar.settings import sampling_limits

SUFFIXES = (".html", ".htm")

MAX_SAMPLES = 40
"""Most evaluations whose samples are in the page: about 80 kB for texts of 400 characters at four temperatures."""
MAX_BYTES = 300_000_000
"""Largest model in a page, in bytes. In base64 it is one string, and Chromium limits strings to 2^29 characters."""
MAX_NGRAMS = 250_000
"""Most n-grams of a blend in a page: about 1 MB, which base64 makes 1.3 MB."""
LARGE = 20_000_000
"""Size of a page in bytes from which on it takes seconds to open, and may be too large for a phone."""


def write(model: ModelFile, path: Path, source: Path) -> Exported:
    """Return the content of the page for ``path``.

    Args:
        model: the model for the page.
        path: path of the page, for messages.
        source: path that the model was read from; if it is a run folder or a page, its history is added.

    Raises:
        ModelFileError: the model is too large for a page.
    """
    if not isinstance(model.architecture, NgramHeader):
        model.lstm_for("A page")
    model, pruned = _with_small_memory(model)
    content = replace(model, provenance=_for_others(model.provenance), text=None).to_bytes(half=True)
    if len(content) > MAX_BYTES:
        raise ModelFileError(
            f"{path} cannot be written: the model has {describe_size(len(content))}, and no browser opens a page "
            f"with more than {describe_size(MAX_BYTES)}. Train a smaller model (--hidden), or serve this one."
        )
    name, history, notes = _history(source)
    setup = {"life": "exported", "name": name, "history": history, "limits": sampling_limits()}
    page = build_page(setup, content).encode()
    rounded = not isinstance(model.architecture, NgramHeader)
    return Exported({path: page}, (*pruned, *notes, _size_note(len(page), rounded)))


def _with_small_memory(model: ModelFile) -> tuple[ModelFile, tuple[str, ...]]:
    """Return ``model`` with at most `MAX_NGRAMS` of the n-grams that it has counted, and a note for the user."""
    header = model.architecture
    if isinstance(header, Architecture):
        return model, ()
    if isinstance(header, BlendHeader):
        counts = text_counts_of(header, model.parameters)
        kept = prune_both(counts, MAX_NGRAMS)
        weights = model.parameters[WEIGHTS]
        small, arrays = blend_content(*network_alone(header, model.parameters), kept, weights)
    else:
        small, arrays = ngram_content(prune(counts_of(header, model.parameters), MAX_NGRAMS))
    if small.ngrams == header.ngrams:
        return model, (f"the page has all {header.ngrams:,} n-grams",)
    note = f"the page has {small.ngrams:,} of {header.ngrams:,} n-grams, those that are worth most"
    return replace(model, architecture=small, parameters=arrays), (note,)


def holds_page(path: Path) -> bool:
    """Return whether ``path`` is a file that begins like a page, whatever its name."""
    if not path.is_file():
        return False
    with path.open("rb") as file:
        return is_page(file.read(len(DOCTYPE)))


def _history(source: Path) -> tuple[str, dict[str, Any] | None, tuple[str, ...]]:
    """Return the name of the model at ``source``, its history or None, and notes for the user."""
    if holds_page(source):
        setup = embedded_setup(read_regular(source, MAX_FILE_BYTES))
        return setup["name"], setup.get("history", setup.get("growth")), ()  # pages once called it growth
    path = source.parent if source.name == MODEL else source
    folder = RunFolder(path)
    name = path.resolve().name if folder.exists or not source.is_file() else source.stem
    try:
        history = RunRecord.read(folder).history(MAX_SAMPLES) if folder.exists else None
    except RunFolderError as error:
        return name, None, (f"the history of the run is left out: {error}",)
    # In the page the run never continues, so it counts as finished.
    return name, {**history, "finished": True} if history and history["evaluations"] else None, ()


def _for_others(provenance: Provenance) -> Provenance:
    """Return ``provenance`` for other people and for JavaScript: without the key in the cache, and without bytes that
    are not UTF-8 and numbers that JSON does not have."""
    names = tuple(name.encode("utf-8", "replace").decode() for name in provenance.corpus)
    shared = provenance.model_copy(update={"corpus": names, "corpus_key": None})
    return Provenance.model_validate_json(shared.model_dump_json())  # pydantic writes infinity as null


def _size_note(size: int, rounded: bool) -> str:
    large = "; it takes a few seconds to open and may be too large for a phone" if size > LARGE else ""
    weights = ", with the weights rounded to float16" if rounded else ""
    return f"a page of {describe_size(size)}{weights}{large}"
