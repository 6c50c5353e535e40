"""The three standard streams: closed, full, left by their readers."""

import json
import subprocess
from pathlib import Path

import pytest

from tests.command import COMMAND, PATIENCE, SMALL, environment, made_up_text, running

CLOSED = {
    ("sample", ">&-"): (1, "Standard output is closed"),
    ("sample", "2>&-"): (0, ""),
    ("sample", "<&-"): (0, ""),
    ("sample -", "<&-"): (1, "Standard input is closed"),
    ("--help", ">&-"): (1, "Standard output is closed"),
    ("--version", ">&- 2>&-"): (1, ""),
    ("info", "<&- >&- 2>&-"): (1, ""),
    ("info --json", ">/dev/full"): (1, "No space left"),
    ("corpora", "2>/dev/full"): (0, ""),
    ("sample --nonsense", "2>/dev/full"): (2, ""),
}


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has a full device")
@pytest.mark.parametrize("case", CLOSED, ids=" ".join)
def test_closed_and_full_streams_are_sentences_or_nothing(case: tuple[str, str], model: Path) -> None:
    (command, *options), (status, words) = case[0].split(), CLOSED[case]
    given = [command, *([str(model)] if command in {"sample", "info"} else []), *options]
    shell = f'exec "$@" {case[1]}'
    done = subprocess.run(
        ["sh", "-c", shell, "sh", *COMMAND, *given],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        env=environment(),
        timeout=PATIENCE,
        check=False,
    )
    assert (done.returncode, done.stderr.count("\n")) == (status, 1 if words else 0), done
    assert words in done.stderr


def test_a_run_goes_on_when_nobody_listens_any_more(tmp_path: Path) -> None:
    (tmp_path / "book.txt").write_text(made_up_text())
    asked = ("train", tmp_path / "book.txt", "--out", tmp_path / "run", "--steps", 30, *SMALL, "--json")
    with running(*asked) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stderr.close()
        assert json.loads(process.stdout.read())["steps"] == 30
        assert process.wait() == 0


@pytest.mark.parametrize("command", ["sample", "info"])
def test_a_reader_who_has_had_enough_is_no_error(command: str, model: Path) -> None:
    arguments = ("--length", 1_000_000, "--no-echo") if command == "sample" else ("--json",)
    with running(command, model, *arguments) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        if command == "sample":
            assert len(process.stdout.read(5)) == 5
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait() in {0, 1}


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has a full device")
def test_a_full_disk_behind_standard_output_is_said(model: Path) -> None:
    with Path("/dev/full").open("wb") as full, running("sample", model, "--length", 5, stdout=full) as process:
        _, stderr = process.communicate()
    assert process.returncode == 1
    assert stderr == b"nextchar: No space left on device\n"
