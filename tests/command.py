"""The real command, each time in a process of its own: forked from one that has torch loaded where that can be."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any, cast

import pytest

from nextchar.cli import main

COMMAND = (sys.executable, "-m", "nextchar")
SMALL = ("--hidden", "16", "--streams", "4", "--window", "16", "--sample-length", "20", "--threads", "1")
posix = pytest.mark.skipif(os.name != "posix", reason="Windows has no such signals")
PATIENCE = 300.0
"""Seconds after which a process counts as hanging."""


@dataclass(frozen=True)
class Outcome:
    """How a process ended and what it wrote."""

    status: int
    stdout: str
    stderr: str


def environment(**changes: str) -> dict[str, str]:
    """Return the environment of the command: one thread, since other processes may want the cores."""
    return {**os.environ, "OMP_NUM_THREADS": "1", **changes}


def nextchar(
    *arguments: object,
    stdin: bytes = b"",
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    encoding: str = "utf-8",
    before: Callable[[], None] | None = None,
) -> Outcome:
    """Run the command to its end; in a process started from nothing where it is given input or an environment."""
    if not stdin and env is None and before is None and encoding == "utf-8" and os.name == "posix":
        from tests.forked import nextchar_forked

        with TemporaryDirectory() as output:
            return nextchar_forked(*arguments, output=Path(output), cwd=cwd)
    done = subprocess.run(
        [*COMMAND, *map(str, arguments)],
        input=stdin,
        capture_output=True,
        cwd=cwd,
        env=environment(**(env or {})),
        timeout=PATIENCE,
        preexec_fn=before,
        check=False,
    )
    return Outcome(done.returncode, done.stdout.decode(encoding), done.stderr.decode(encoding))


def converted(capsys: pytest.CaptureFixture[str], *arguments: str) -> Outcome:
    """Run `nextchar convert` in this process, which has large libraries loaded already."""
    status = main(["convert", *arguments])
    shown = capsys.readouterr()
    return Outcome(status, shown.out, shown.err)


@contextmanager
def running(*arguments: object, **options: Any) -> Iterator[subprocess.Popen[bytes]]:
    """Start the command, whose pipes can be read; at the end it is killed, should it still run."""
    pipes = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "env": environment()}
    started = subprocess.Popen([*COMMAND, *map(str, arguments)], **{**pipes, **options})
    with cast("subprocess.Popen[bytes]", started) as process:
        try:
            yield process
        finally:
            process.kill()


def wait_until(process: subprocess.Popen[bytes], happened: Callable[[], bool]) -> bool:
    """Return true as soon as something has ``happened``, or false if ``process`` ended without."""
    for _ in range(round(PATIENCE / 0.002)):
        if happened():
            return True
        try:
            process.wait(0.002)
        except subprocess.TimeoutExpired:
            continue
        return happened()
    raise TimeoutError("nothing happened")


def made_up_text(characters: int = 6000, seed: int = 0) -> str:
    """Return lines of words, the same for the same seed."""
    random = Random(seed)
    words = ["".join(random.choices("etaoinshrdlu", k=random.randint(1, 7))) for _ in range(60)]
    lines: list[str] = []
    while sum(map(len, lines)) < characters:
        lines.append(" ".join(random.choices(words, k=random.randint(4, 9))).capitalize() + ".\n")
    return "".join(lines)[:characters]


def assert_refused(outcome: Outcome, status: int, *words: str) -> None:
    """Check that the command said what is wrong in one line on standard error, and nothing else."""
    assert (outcome.status, outcome.stdout) == (status, ""), outcome
    lines = outcome.stderr.splitlines()
    assert len(lines) == 1, outcome.stderr
    assert lines[0].startswith("nextchar: ")
    assert len(lines[0]) < 600
    for word in words:
        assert word in lines[0]
