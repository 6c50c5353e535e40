"""Compressed files: known by their first bytes, read as a stream, and refused when they are damaged."""

from __future__ import annotations

import bz2
import gzip
import lzma
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from backports import zstd

from nextchar.errors import MissingDependencyError
from nextchar.text.compression import CompressedDataError, compression_of, read_compressed

CONTENT = "so it goes, 그렇게 간다\n".encode() * 5000
PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "bzip2": bz2.compress,
    "xz": lzma.compress,
    # As the command zstd does, with a checksum.
    "Zstandard": lambda data: zstd.compress(data, options={zstd.CompressionParameter.checksum_flag: 1}),
}


def read(path: Path) -> bytes:
    return b"".join(read_compressed(path, 1000))


@pytest.mark.parametrize("kind", PACKERS)
def test_what_was_compressed_comes_back(kind: str, tmp_path: Path) -> None:
    data = PACKERS[kind](CONTENT)
    (tmp_path / "text").write_bytes(data)
    assert compression_of(data[:10]) == kind
    assert read(tmp_path / "text") == CONTENT


@pytest.mark.parametrize("kind", PACKERS)
def test_nothing_of_several_streams_in_a_file_is_lost(kind: str, tmp_path: Path) -> None:
    (tmp_path / "text").write_bytes(PACKERS[kind](CONTENT) + PACKERS[kind](b"end"))
    assert read(tmp_path / "text") == CONTENT + b"end"


@pytest.mark.parametrize("kind", PACKERS)
@pytest.mark.parametrize("harm", ["cut", "flipped"])
def test_damaged_data_is_an_error(kind: str, harm: str, tmp_path: Path) -> None:
    data = bytearray(PACKERS[kind](CONTENT))
    if harm == "cut":
        del data[-20:]
    else:
        data[len(data) // 2] ^= 0xFF
    (tmp_path / "text").write_bytes(data)
    with pytest.raises(CompressedDataError, match=f"damaged {kind} data"):
        read(tmp_path / "text")


def test_a_frame_to_skip_may_come_first(tmp_path: Path) -> None:
    data = b"\x50\x2a\x4d\x18\x04\0\0\0abcd" + zstd.compress(CONTENT)
    (tmp_path / "text").write_bytes(data)
    assert compression_of(data) == "Zstandard"
    assert read(tmp_path / "text") == CONTENT


@pytest.mark.parametrize("head", [b"", b"P*M", b"BZh is how it began", b"plain text", b"\x28\xb5"])
def test_other_files_are_not_compressed(head: bytes) -> None:
    assert compression_of(head[:10]) is None


def test_without_the_package_the_error_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "compression.zstd" if sys.version_info >= (3, 14) else "backports.zstd", None)
    (tmp_path / "text").write_bytes(zstd.compress(CONTENT))
    with pytest.raises(MissingDependencyError, match=r'pip install "nextchar\[data\]"'):
        read(tmp_path / "text")
