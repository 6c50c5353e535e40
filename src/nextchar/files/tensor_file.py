"""Arrays and a JSON header in one safetensors file, with a checksum over both that detects any damaged byte.

The library writes the files. This module reads them, because the library would copy every array: here the arrays use
the memory of the file's content, so that a model is in memory only once.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from typing import Annotated, Any, Literal, cast

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError
from safetensors.numpy import save as serialise_tensors

Arrays = dict[str, NDArray[Any]]

MAX_DEPTH = 64
"""Objects and lists nested in a header; those of models have four levels."""

_KEY = "nextchar"
_METADATA = "__metadata__"
_Count = Annotated[int, Field(ge=0, le=2**48, strict=True)]


class _Tensor(BaseModel):
    """The entry of one array in the index."""

    model_config = ConfigDict(extra="forbid")

    dtype: Literal["BOOL", "U8", "I8", "U16", "I16", "F16", "U32", "I32", "F32", "U64", "I64", "F64"]
    shape: tuple[_Count, ...]
    data_offsets: tuple[_Count, _Count]

    @property
    def numpy_type(self) -> np.dtype[Any]:
        return np.dtype("?" if self.dtype == "BOOL" else f"<{self.dtype[0].lower()}{int(self.dtype[1:]) // 8}")

    @property
    def size(self) -> int:
        return math.prod(self.shape)


_INDEX = TypeAdapter(dict[str, _Tensor])


def to_bytes(header: dict[str, Any], arrays: Arrays) -> bytes:
    """Return a safetensors file of ``arrays``, with ``header`` and the checksum in the metadata entry ``nextchar``."""
    signed = {**header, "sha256": _digest(header, arrays)}
    return serialise_tensors(arrays, {_KEY: json.dumps(signed)})


def from_bytes(content: bytes | bytearray) -> tuple[dict[str, Any], Arrays]:
    """Return the header and the arrays that `to_bytes` wrote.

    Args:
        content: content of the file. If it is a bytearray, the arrays use its memory and it must not change any more;
            if it is bytes, which are read-only, the arrays are copies.

    Raises:
        ValueError: it is another kind of file, or damaged.
    """
    start = 8 + int.from_bytes(content[:8], "little")
    if len(content) < start:
        raise ValueError("it is cut short, or not a safetensors file")
    index = _parse_json(bytes(content[8:start]).decode())
    header = _read_header(index)
    arrays = _read_arrays(content, start, index)
    if header.pop("sha256", None) != _digest(header, arrays):
        raise ValueError("its checksum does not match its content")
    return header, arrays


def under(prefix: str, arrays: Mapping[str, NDArray[Any]]) -> Arrays:
    """Return the arrays whose names begin with ``prefix``, which is removed from the names."""
    return {name.removeprefix(prefix): array for name, array in arrays.items() if name.startswith(prefix)}


def _parse_json(text: str) -> dict[str, Any]:
    try:
        value: object = json.loads(text)
    except RecursionError as error:
        raise ValueError("it is not a nextchar file: its header is nested too deeply") from error
    except ValueError as error:
        raise ValueError("its header is not JSON") from error
    if not isinstance(value, dict):
        raise ValueError("it was not written by nextchar")
    return cast("dict[str, Any]", value)


def _read_header(index: dict[str, Any]) -> dict[str, Any]:
    """Remove the metadata from ``index`` and return the header in it."""
    metadata = index.pop(_METADATA, None)
    header_text: object = cast("dict[str, Any]", metadata).get(_KEY) if isinstance(metadata, dict) else None
    if not isinstance(header_text, str):
        raise ValueError("it was not written by nextchar")
    header = _parse_json(header_text)
    if _is_deeper(header, MAX_DEPTH):  # what writes canonical JSON and checks the entries is recursive
        raise ValueError("its header is nested too deeply")
    return header


def _is_deeper(value: object, depth: int) -> bool:
    """Return whether objects and lists are nested more than ``depth`` levels deep."""
    level = [value]
    for _ in range(depth):
        level = [child for holder in level for child in _children(holder)]
        if not level:
            return False
    return any(isinstance(value, dict | list) for value in level)


def _children(value: object) -> list[object]:
    if isinstance(value, dict):
        return list(cast("dict[str, object]", value).values())
    return cast("list[object]", value) if isinstance(value, list) else []


def _read_arrays(content: bytes | bytearray, start: int, index: dict[str, Any]) -> Arrays:
    """Return the arrays, which must fill ``content`` from ``start`` to its end without gaps."""
    try:
        tensors = sorted(_INDEX.validate_python(index).items(), key=lambda item: item[1].data_offsets)
    except ValidationError:
        raise ValueError("the index of its arrays is damaged") from None
    arrays: Arrays = {}
    end = 0
    for name, tensor in tensors:
        begin, end = end, end + tensor.size * tensor.numpy_type.itemsize
        if tensor.data_offsets != (begin, end):
            raise ValueError("its index does not match its data")
        if start + end > len(content):
            raise ValueError("it is cut short")
        values = np.frombuffer(content, tensor.numpy_type, tensor.size, start + begin).reshape(tensor.shape)
        arrays[name] = values if values.flags.writeable and values.flags.aligned else values.copy()
    if start + end != len(content):
        raise ValueError("it is longer than its index says")
    return arrays


def _digest(header: dict[str, Any], arrays: Arrays) -> str:
    """Return the SHA-256 of the header as canonical JSON and of the name, type, shape and bytes of each array."""
    digest = hashlib.sha256(json.dumps(header, sort_keys=True).encode())
    for name in sorted(arrays):
        array = np.ascontiguousarray(arrays[name])
        digest.update(f"{name} {array.dtype} {array.shape}".encode())
        digest.update(array.data)
    return digest.hexdigest()
