"""Files that are as they were or whole, wherever links and leftovers lie in the way."""

import os
import secrets
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from nextchar.atomic_file import replacing, write_atomically


@pytest.fixture
def umask() -> Iterator[None]:
    before = os.umask(0o027)
    yield
    os.umask(before)


def permissions(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_new_file_has_the_permissions_of_the_umask(tmp_path: Path, umask: None) -> None:
    write_atomically(tmp_path / "file", b"new")
    assert (tmp_path / "file").read_bytes() == b"new"
    assert permissions(tmp_path / "file") == 0o640


@pytest.mark.parametrize("mode", [0o600, 0o644, 0o444])
def test_a_file_that_is_replaced_keeps_its_permissions(tmp_path: Path, umask: None, mode: int) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"old")
    path.chmod(mode)
    write_atomically(path, b"new")
    assert (path.read_bytes(), permissions(path)) == (b"new", mode)


def test_a_link_planted_at_the_temporary_name_is_not_followed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    precious = tmp_path / "precious"
    precious.write_bytes(b"precious")
    (tmp_path / ".planted.tmp").symlink_to(precious)
    names = iter(["planted", "planted", "free"])
    monkeypatch.setattr(secrets, "token_hex", lambda _: next(names))
    write_atomically(tmp_path / "file", b"new")
    assert next(names, None) is None
    assert (precious.read_bytes(), (tmp_path / "file").read_bytes()) == (b"precious", b"new")
    assert not (tmp_path / "file").is_symlink()


def test_names_that_other_processes_can_tell_are_not_used(tmp_path: Path) -> None:
    planted = tmp_path / f".file.{os.getpid()}.tmp"
    planted.symlink_to(tmp_path / "precious")
    write_atomically(tmp_path / "file", b"new")
    assert not (tmp_path / "precious").exists()
    assert planted.is_symlink()


def test_a_leftover_of_the_same_name_is_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".taken.tmp").write_bytes(b"of another process")
    names = iter(["taken", "free"])
    monkeypatch.setattr(secrets, "token_hex", lambda _: next(names))
    write_atomically(tmp_path / "file", b"new")
    assert (tmp_path / ".taken.tmp").read_bytes() == b"of another process"


def test_where_no_name_is_free_it_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".taken.tmp").touch()
    monkeypatch.setattr(secrets, "token_hex", lambda _: "taken")
    with pytest.raises(FileExistsError, match="No temporary name is free"):
        write_atomically(tmp_path / "file", b"new")


@pytest.mark.parametrize("there", [True, False])
def test_a_link_stays_one_and_what_it_leads_to_is_replaced(tmp_path: Path, there: bool) -> None:
    elsewhere = tmp_path / "large disk"
    elsewhere.mkdir()
    if there:
        (elsewhere / "model").write_bytes(b"old")
    (tmp_path / "model").symlink_to(elsewhere / "model")
    write_atomically(tmp_path / "model", b"new")
    assert (tmp_path / "model").is_symlink()
    assert (elsewhere / "model").read_bytes() == b"new"
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["large disk", "model", "model"]


@pytest.mark.parametrize("make", [Path.mkdir, os.mkfifo, lambda path: path.symlink_to(path)])
def test_what_is_no_file_is_neither_written_nor_removed(tmp_path: Path, make: object) -> None:
    path = tmp_path / "odd"
    make(path)  # type: ignore[operator]
    before = path.lstat()
    with pytest.raises(OSError):
        write_atomically(path, b"new")
    assert (path.lstat().st_ino, path.lstat().st_mode) == (before.st_ino, before.st_mode)
    assert [found.name for found in tmp_path.iterdir()] == ["odd"]


def test_what_fails_in_between_leaves_everything_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"old")

    def write_half() -> None:
        with replacing(path) as file:
            file.write(b"half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_half()
    assert path.read_bytes() == b"old"
    assert [found.name for found in tmp_path.iterdir()] == ["file"]


def test_a_name_as_long_as_the_system_allows_can_be_written(tmp_path: Path) -> None:
    path = tmp_path / ("가" * 85)
    write_atomically(path, b"new")
    assert path.read_bytes() == b"new"
