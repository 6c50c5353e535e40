"""Files that end, and names that stand for something else."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from nextchar.files.regular_file import open_regular, read_regular
from tests.command import assert_refused, nextchar
from tests.served import model_file
from tests.small_networks import random_model

SPARSE = 30_000_000_000


def test_a_file_is_read_whole(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(bytes(range(256)) * 5)
    assert read_regular(path, 1280) == bytes(range(256)) * 5
    (tmp_path / "empty").touch()
    assert read_regular(tmp_path / "empty", 0) == b""


def test_a_file_that_is_too_large_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "file"
    with path.open("wb") as file:
        file.truncate(SPARSE)  # it takes no room on the disk
    with pytest.raises(OSError, match=r"30,000,000,000 bytes, and the limit is 1,000"):
        open_regular(path, 1000)


def test_what_is_no_file_is_not_waited_for(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    for path in (pipe, Path("/dev/zero")):
        with pytest.raises(OSError, match="not a regular file"):
            read_regular(path, 1000)
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(tmp_path / "socket"))
        with pytest.raises(OSError, match="No such device"):
            read_regular(tmp_path / "socket", 1000)
    with pytest.raises(IsADirectoryError):
        read_regular(tmp_path, 1000)
    with pytest.raises(FileNotFoundError):
        read_regular(tmp_path / "nothing", 1000)


@pytest.mark.parametrize("command", ["sample", "info", "serve", "convert"])
def test_no_command_waits_for_a_pipe_or_reads_a_device(command: str, tmp_path: Path) -> None:
    pipe, device, sparse = (tmp_path / f"{name}.safetensors" for name in ("pipe", "device", "sparse"))
    os.mkfifo(pipe)
    device.symlink_to("/dev/zero")
    with sparse.open("wb") as file:
        file.truncate(SPARSE)
    more = [tmp_path / "model.html"] if command == "convert" else []
    assert_refused(nextchar(command, pipe, *more), 1, str(pipe), "not a regular file")
    assert_refused(nextchar(command, device, *more), 1, str(device), "not a regular file")
    assert_refused(nextchar(command, sparse, *more), 1, str(sparse), "30,000,000,000 bytes")


@pytest.mark.parametrize("suffix", [".keras", ".h5", ".weights.h5"])
def test_nor_does_the_import_of_a_foreign_model(suffix: str, tmp_path: Path) -> None:
    source, text = tmp_path / f"model{suffix}", tmp_path / "text.txt"
    os.mkfifo(source)
    text.write_text("the fox")
    outcome = nextchar("convert", source, tmp_path / "model.safetensors", "--vocabulary", text)
    assert_refused(outcome, 1, str(source), "not a regular file")


def test_a_model_behind_a_link_is_a_model(tmp_path: Path) -> None:
    link = tmp_path / "link.safetensors"
    link.symlink_to(model_file(tmp_path))
    outcome = nextchar("sample", link, "--length", 5, "--seed", 1)
    assert (outcome.status, outcome.stdout.strip()) == (0, random_model().generate(length=5, seed=1).strip())
