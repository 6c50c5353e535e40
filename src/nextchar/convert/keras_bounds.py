"""What a file of Keras may ask for: nothing is allocated on its word that it does not hold.

Zip and HDF5 both can promise far more than there is: compressed zeros, arrays that consist of a fill value, chunks of
any size, arrays of another file. So both are looked through before anything is unpacked or built. The library of HDF5
itself may loop for ever on a damaged file, or crash: so a process of its own does that first.
"""

# h5py has no types.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

from __future__ import annotations

import io
import math
import multiprocessing
import os
import warnings
import zipfile
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from nextchar.convert.keras_library import load_h5py
from nextchar.errors import ModelFileError

ARCHIVE = b"PK\x03\x04"
"""What a ``.keras`` file begins with, a zip."""
HDF5 = b"\x89HDF\r\n\x1a\n"

WEIGHTS_ENTRY = "model.weights.h5"

_ASKED_FOR = ("keras_version", "backend", "model_config", "layer_names", "weight_names")
"""Attributes that readers ask for by name, whatever the list of them says."""

MAX_TIMES = 20
"""Size of what a file unpacks to, in sizes of the file: trained weights hardly compress."""
ROOM = 2**24
"""Bytes that any file may unpack to."""
MAX_OBJECTS = 10_000
"""Groups and arrays of a file; a model of Keras has a few for each layer."""
MAX_DEPTH = 32
"""Groups inside each other."""
MAX_SECONDS = 2
"""Of the processor, to look through a file, and one more for each 50 MB; that of a model takes some milliseconds."""


def is_archive(path: Path) -> bool:
    """Return whether the file at ``path`` is a zip, whatever its name is."""
    with path.open("rb") as file:
        return file.read(len(ARCHIVE)) == ARCHIVE


def look_through(path: Path) -> None:
    """Read all of the file at ``path`` in a process of its own, where the system can fork.

    Raises:
        ModelFileError: the library of HDF5 came to no end, or crashed.
    """
    if os.name != "posix":
        return
    process = multiprocessing.get_context("fork").Process(target=_look, args=(path,))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # other threads may run; h5py alone is used in the process
        process.start()
    process.join()
    if process.exitcode:
        raise ModelFileError(
            f"{path} is not a model that Keras can read, or is damaged: the library of HDF5 fails on it. Save the "
            "model again with Keras."
        )


def _look(path: Path) -> None:
    import resource

    seconds = MAX_SECONDS + path.stat().st_size // 50_000_000
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
    # One by one: what raises an error here must not keep from a look at what comes after it.
    for look in (_look_at_attributes, _look_at_arrays):
        with suppress(Exception):  # the same comes again where it is told
            look(path)
    os._exit(0)  # nothing of what the first process has open is for this one to close


def _look_at_attributes(path: Path) -> None:
    with load_h5py().File(_place(path), "r") as file:
        _read_attributes(file)
        file.visititems(_read_attributes_of)


def _read_attributes_of(_: str, member: Any) -> None:
    _read_attributes(member)


def _look_at_arrays(path: Path) -> None:
    with open_arrays(path) as file:
        for array in _arrays(path, file):
            with suppress(Exception):
                array[()]


def _read_attributes(member: Any) -> None:
    names = list(_ASKED_FOR)
    with suppress(Exception):
        names += member.attrs
    for name in names:
        with suppress(Exception):
            member.attrs[name]


def _place(path: Path) -> Any:
    """Return where the HDF5 file is: ``path`` itself, or what the archive there has in it."""
    if not is_archive(path):
        return path
    with open_archive(path) as archive:
        return io.BytesIO(archive.read(WEIGHTS_ENTRY))


@contextmanager
def open_archive(path: Path) -> Generator[zipfile.ZipFile]:
    """Open a ``.keras`` file that unpacks to no more than it may.

    Raises:
        ModelFileError: it does to more.
        Exception: any, if it is no such file.
    """
    with zipfile.ZipFile(path) as archive:
        unpacked = sum(entry.file_size for entry in archive.infolist())
        if unpacked > _most(path):
            raise ModelFileError(
                f"{path} is refused: its {path.stat().st_size:,} bytes would unpack to {unpacked:,}, more than the "
                "weights of a model do. Save the model again with Keras."
            )
        yield archive


@contextmanager
def open_arrays(path: Path) -> Generator[Any]:
    """Open the HDF5 file that is, or is in, the file at ``path``, after a look at all that is in it.

    Raises:
        ModelFileError: its arrays are larger than it can hold, or in another file.
        MissingDependencyError: h5py is not installed.
        Exception: any, if it is no such file.
    """
    with load_h5py().File(_place(path), "r") as file:
        promised = sum(_promised_bytes(path, array) for array in _arrays(path, file))
        if promised > _most(path):
            raise ModelFileError(
                f"{path} is refused: its {path.stat().st_size:,} bytes promise arrays of {promised:,}, more than it "
                "can hold. Save the model again with Keras."
            )
        yield file


def _most(path: Path) -> int:
    return MAX_TIMES * path.stat().st_size + ROOM


def _arrays(path: Path, file: Any) -> Generator[Any]:
    """Yield each array of ``file`` by each of the ways that lead to it."""
    h5py = load_h5py()
    groups, seen = [(file, 1)], 0
    while groups:
        group, depth = groups.pop()
        for name in group:
            seen += 1
            if seen > MAX_OBJECTS or depth > MAX_DEPTH:
                raise ModelFileError(f"{path} is refused: no model of Keras has so many groups and arrays.")
            if not isinstance(group.get(name, getlink=True), h5py.HardLink):
                raise ModelFileError(f"{path} is refused: {name!r} in it is a link, and may lead to another file.")
            member = group[name]
            if isinstance(member, h5py.Group):
                groups.append((member, depth + 1))
            elif isinstance(member, h5py.Dataset):
                yield member


def _promised_bytes(path: Path, array: Any) -> int:
    """Return the bytes that reading ``array`` takes, its largest chunk at least."""
    if array.is_virtual or array.external or array.dtype.hasobject:
        raise ModelFileError(f"{path} is refused: the numbers of {array.name!r} are not in it.")
    return array.dtype.itemsize * max(array.size or 0, math.prod(array.chunks or (0,)))
