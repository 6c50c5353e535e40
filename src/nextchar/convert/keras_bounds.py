"""Limits for Keras files: nothing is unpacked or allocated that the file does not contain.

A zip or HDF5 file can declare far more data than it holds: compressed zeros, arrays that consist of a fill value,
chunks of any size, arrays in another file. So it is examined before anything is unpacked or built. The HDF5 library
itself may loop forever or crash on a damaged file, so a separate process reads the file first.
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
"""First bytes of a ``.keras`` file, which is a zip archive."""
HDF5 = b"\x89HDF\r\n\x1a\n"
"""First bytes of an HDF5 file."""

WEIGHTS_ENTRY = "model.weights.h5"

_REQUESTED = ("keras_version", "backend", "model_config", "layer_names", "weight_names")
"""Attributes that readers request by name, even if the list of attributes lacks them."""

MAX_TIMES = 20
"""How many times its size a file may unpack to: trained weights hardly compress."""
ROOM = 2**24
"""Bytes that any file may unpack to in addition."""
MAX_OBJECTS = 10_000
"""Groups and arrays in a file; a Keras model has a few for each layer."""
MAX_DEPTH = 32
"""Levels of nested groups."""
MAX_SECONDS = 2
"""Processor seconds to read a file, plus one for each 50 MB; a model takes a few milliseconds."""


def is_archive(path: Path) -> bool:
    """Return whether the file at ``path`` is a zip archive, whatever its name."""
    with path.open("rb") as file:
        return file.read(len(ARCHIVE)) == ARCHIVE


def look_through(path: Path) -> None:
    """Read all of the file at ``path`` in a separate process, if the system can fork.

    Raises:
        ModelFileError: the HDF5 library crashed or did not finish in time.
    """
    if os.name != "posix":
        return
    process = multiprocessing.get_context("fork").Process(target=_look, args=(path,))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # other threads may run; the process uses only h5py
        process.start()
    process.join()
    if process.exitcode:
        raise ModelFileError(
            f"{path} is not a model that Keras can read, or is damaged: the library HDF5 fails on it. Save the "
            "model again with Keras."
        )


def _look(path: Path) -> None:
    import resource

    seconds = MAX_SECONDS + path.stat().st_size // 50_000_000
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
    # One by one: an error in the first must not prevent the second.
    for look in (_look_at_attributes, _look_at_arrays):
        with suppress(Exception):  # the same error occurs again in the main process, which reports it
            look(path)
    os._exit(0)  # do not close what the main process has open


def _look_at_attributes(path: Path) -> None:
    with load_h5py().File(_hdf5_file(path), "r") as file:
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
    names = list(_REQUESTED)
    with suppress(Exception):
        names += member.attrs
    for name in names:
        with suppress(Exception):
            member.attrs[name]


def _hdf5_file(path: Path) -> Any:
    """Return the HDF5 file: ``path`` itself, or the content of that entry of the archive."""
    if not is_archive(path):
        return path
    with open_archive(path) as archive:
        return io.BytesIO(archive.read(WEIGHTS_ENTRY))


@contextmanager
def open_archive(path: Path) -> Generator[zipfile.ZipFile]:
    """Open a ``.keras`` file, if it does not unpack to too many bytes.

    Raises:
        ModelFileError: it would unpack to too many bytes.
        Exception: of any kind, if it is not such a file.
    """
    with zipfile.ZipFile(path) as archive:
        unpacked = sum(entry.file_size for entry in archive.infolist())
        if unpacked > _max_bytes(path):
            raise ModelFileError(
                f"{path} is refused: its {path.stat().st_size:,} bytes would unpack to {unpacked:,}, more than the "
                "weights of a model. Save the model again with Keras."
            )
        yield archive


@contextmanager
def open_arrays(path: Path) -> Generator[Any]:
    """Open the HDF5 file at ``path``, or in the archive there, after checking all its arrays.

    Raises:
        ModelFileError: its arrays are larger than the file can hold, or are in another file.
        MissingDependencyError: h5py is not installed.
        Exception: of any kind, if it is not such a file.
    """
    with load_h5py().File(_hdf5_file(path), "r") as file:
        promised = sum(_promised_bytes(path, array) for array in _arrays(path, file))
        if promised > _max_bytes(path):
            raise ModelFileError(
                f"{path} is refused: its {path.stat().st_size:,} bytes promise arrays of {promised:,}, more than it "
                "can hold. Save the model again with Keras."
            )
        yield file


def _max_bytes(path: Path) -> int:
    return MAX_TIMES * path.stat().st_size + ROOM


def _arrays(path: Path, file: Any) -> Generator[Any]:
    """Yield each array of ``file``, once for each path to it."""
    h5py = load_h5py()
    groups, seen = [(file, 1)], 0
    while groups:
        group, depth = groups.pop()
        for name in group:
            seen += 1
            if seen > MAX_OBJECTS or depth > MAX_DEPTH:
                raise ModelFileError(f"{path} is refused: it has more groups and arrays than any Keras model.")
            if not isinstance(group.get(name, getlink=True), h5py.HardLink):
                raise ModelFileError(f"{path} is refused: {name!r} in it is a link, which may lead to another file.")
            member = group[name]
            if isinstance(member, h5py.Group):
                groups.append((member, depth + 1))
            elif isinstance(member, h5py.Dataset):
                yield member


def _promised_bytes(path: Path, array: Any) -> int:
    """Return the bytes that reading ``array`` takes: its size, or that of a chunk if it is larger."""
    if array.is_virtual or array.external or array.dtype.hasobject:
        raise ModelFileError(f"{path} is refused: it does not contain the numbers of {array.name!r}.")
    return array.dtype.itemsize * max(array.size or 0, math.prod(array.chunks or (0,)))
