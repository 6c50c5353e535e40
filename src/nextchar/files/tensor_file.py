"""Arrays and a JSON header in one safetensors file, with a checksum over both, so that no damaged byte goes
unnoticed."""

from __future__ import annotations

import hashlib
import json
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load as parse_tensors
from safetensors.numpy import save as serialise_tensors

Arrays = dict[str, NDArray[Any]]

_KEY = "nextchar"


def to_bytes(header: dict[str, Any], arrays: Arrays) -> bytes:
    """Return a safetensors file of ``arrays``, with ``header`` and its checksum as metadata entry ``nextchar``."""
    signed = {**header, "sha256": _digest(header, arrays)}
    return serialise_tensors(arrays, {_KEY: json.dumps(signed)})


def from_bytes(content: bytes) -> tuple[dict[str, Any], Arrays]:
    """Return the header and the arrays that `to_bytes` wrote.

    Raises:
        ValueError: it is another kind of file, or damaged.
    """
    header = _read_header(content)
    try:
        arrays: Arrays = parse_tensors(content)
    except (SafetensorError, KeyError, TypeError) as error:
        raise ValueError(str(error)) from error
    if header.pop("sha256", None) != _digest(header, arrays):
        raise ValueError("its checksum does not fit its content")
    return header, arrays


def _read_header(content: bytes) -> dict[str, Any]:
    """Return the metadata entry: after 8 bytes of length, little-endian, a JSON object with ``__metadata__``."""
    length = int.from_bytes(content[:8], "little")
    if len(content) < 8 + length:
        raise ValueError("it is cut short, or no safetensors file")
    try:
        header: object = json.loads(json.loads(content[8 : 8 + length])["__metadata__"][_KEY])
    except (KeyError, TypeError, RecursionError) as error:
        raise ValueError("it was not written by nextchar") from error
    if not isinstance(header, dict):
        raise ValueError("it was not written by nextchar")
    return cast("dict[str, Any]", header)


def _digest(header: dict[str, Any], arrays: Arrays) -> str:
    """Return the SHA-256 over the header as canonical JSON and over name, type, shape and bytes of each array."""
    digest = hashlib.sha256(json.dumps(header, sort_keys=True).encode())
    for name in sorted(arrays):
        array = np.ascontiguousarray(arrays[name])
        digest.update(f"{name} {array.dtype} {array.shape}".encode())
        digest.update(array.data)
    return digest.hexdigest()
