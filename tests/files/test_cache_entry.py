"""The folders of a cache: removed whatever they hold, cleaned of leftovers, created, and checked."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
from filelock import FileLock, Timeout

from nextchar.files.cache_entry import UNFINISHED, crc32_of_file, locked, make_folder, remove_entry, remove_leftovers


def test_a_read_only_folder_is_removed_with_all_that_is_in_it(tmp_path: Path) -> None:
    entry = tmp_path / "entry"
    (entry / "inner").mkdir(parents=True)
    (entry / "inner" / "file").write_bytes(b"content")
    for folder in (entry / "inner", entry):
        folder.chmod(0o500)
    remove_entry(entry)
    assert list(tmp_path.iterdir()) == []


def test_a_link_is_removed_and_its_target_is_not(tmp_path: Path) -> None:
    target = tmp_path / "target"
    target.mkdir()
    (target / "file").write_bytes(b"content")
    for name, to in (("whole", target), ("broken", tmp_path / "nowhere")):
        (tmp_path / name).symlink_to(to)
        remove_entry(tmp_path / name)
    assert [path.name for path in tmp_path.rglob("*")] == ["target", "file"]


def test_a_file_is_removed_and_a_missing_one_is_no_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    remove_entry(tmp_path / "file")
    remove_entry(tmp_path / "file")
    assert list(tmp_path.iterdir()) == []


def test_only_old_unfinished_entries_are_leftovers(tmp_path: Path) -> None:
    for name, days in ((f"{UNFINISHED}old", 3), (f"{UNFINISHED}new", 1), ("finished", 3)):
        (tmp_path / name / "inner").mkdir(parents=True)
        age = time.time() - days * 86400
        os.utime(tmp_path / name, (age, age))
    remove_leftovers(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == [f"{UNFINISHED}new", "finished"]


def test_a_folder_is_created_with_its_parents_once(tmp_path: Path) -> None:
    for _ in range(2):
        make_folder(tmp_path / "cache" / "corpora")
    assert (tmp_path / "cache" / "corpora").is_dir()


@pytest.mark.parametrize("link", [False, True])
def test_a_file_in_the_place_of_a_parent_is_named(link: bool, tmp_path: Path) -> None:
    file = tmp_path / "cache"
    file.symlink_to("nowhere") if link else file.touch()
    with pytest.raises(OSError, match=rf"^{file} is not a folder$"):
        make_folder(file / "corpora")


def test_the_checksum_is_that_of_the_whole_file(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"123456789")
    assert crc32_of_file(tmp_path / "file") == 0xCBF43926  # the check value of CRC-32
    (tmp_path / "large").write_bytes(bytes(3 << 20))
    before = crc32_of_file(tmp_path / "large")
    with (tmp_path / "large").open("r+b") as file:
        file.seek(-1, os.SEEK_END)
        file.write(b"\1")
    assert crc32_of_file(tmp_path / "large") != before


def test_a_lock_keeps_others_out_until_the_entry_is_made(tmp_path: Path) -> None:
    lock = tmp_path / "locks" / "key.lock"
    with locked(tmp_path / "locks", "key"):
        with pytest.raises(Timeout):
            FileLock(lock).acquire(timeout=0)
        with locked(tmp_path / "locks", "other key"):
            pass
    assert list((tmp_path / "locks").iterdir()) == []
    with pytest.raises(ValueError, match="failed"), locked(tmp_path / "locks", "key"):
        raise ValueError("failed")
    with locked(tmp_path / "locks", "key"):
        pass
