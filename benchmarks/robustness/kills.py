"""Kills runs at random moments and resumes them: each must end with the weights and log of an undisturbed run.

Usage: python benchmarks/robustness/kills.py [--kills 200] [--seed 0] [--each 10]

SIGKILL ends real processes at random moments (including the first ones, and those of a resume), while a file is being
written, or when the log has grown. After ``--each`` kills a run may end, and is compared. Exits with 1 if any differs.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

from processes import Process, run

from nextchar.errors import NextcharError
from nextchar.model.model_file import ModelFile
from nextchar.runs.folder import EVENTS, RunFolder
from nextchar.training.events import Evaluated, Finished, Planned, Sampled, TextRead, event_from_json

STEPS = 600
OPTIONS = ("--steps", STEPS, "--evaluations", 5, "--hidden", 16, "--streams", 4, "--window", 16, "--sample-length", 10,
           "--threads", 1, "--seed", 3, "--save-every", "0.02s")  # fmt: skip
UNTIMED = {"seconds", "training_seconds"}


def main() -> int:
    """Kill, resume and compare; print what happened."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--each", type=int, default=10, help="kills of one run")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    random, seen, failures = Random(options.seed), Counter[str](), list[str]()
    with tempfile.TemporaryDirectory(prefix="nextchar-") as name:
        place = Path(name)
        os.environ["NEXTCHAR_CACHE"] = str(place / "cache")
        (place / "book.txt").write_text(_text(Random(1)))
        alone, began = RunFolder(place / "alone"), time.monotonic()
        ended = run(("train", place / "book.txt", "--out", alone.path, *OPTIONS), place / "output")
        if ended.status != 0:
            sys.exit(ended.output)
        undisturbed = time.monotonic() - began
        while seen["kills"] < options.kills and not failures:
            number = seen["runs"]
            folder = RunFolder(place / f"run {number}")
            kills = min(options.each, options.kills - seen["kills"])
            failures += [f"run {number}: {reason}" for reason in _kill(folder, kills, random, seen, undisturbed)]
            failures += [f"run {number}: {reason}" for reason in _differences(alone, folder, seen)]
            seen["runs"] += 1
    for what, count in sorted(seen.items()):
        print(f"{what:<44}{count:>7,}")
    print(*failures, sep="\n")
    return 1 if failures else 0


def _kill(folder: RunFolder, kills: int, random: Random, seen: Counter[str], undisturbed: float) -> list[str]:
    """Start the run, kill and resume it that many times, let it end, and return what went wrong."""
    place = folder.path.parent
    for _ in range(kills):
        kind, come = _moment(folder, random)
        seconds = random.choice((0.02, 0.2, 1.0)) * random.random() * undisturbed if kind == "time" else 60.0
        stage = "resumed" if folder.exists else "begun"
        ended = Process(_arguments(folder), place / "output").wait(seconds, 0, come)
        if ended.status == 0:
            seen["ended before it was killed"] += 1
        elif ended.status != -signal.SIGKILL:
            return [f"exit status {ended.status}: {ended.output[-2000:]}"]
        else:
            seen["kills"] += 1
            seen[f"killed by {kind}, {stage}"] += 1
        if "Traceback" in ended.output:
            return [ended.output[-2000:]]
    ended = run(_arguments(folder), place / "output")
    return [] if ended.status == 0 else [f"exit status {ended.status}: {ended.output[-2000:]}"]


def _arguments(folder: RunFolder) -> tuple[object, ...]:
    if folder.exists:
        return ("train", "--resume", folder.path)
    return ("train", folder.path.parent / "book.txt", "--out", folder.path, *OPTIONS)


def _moment(folder: RunFolder, random: Random) -> tuple[str, Callable[[], bool]]:
    """Draw a moment to kill, and return a function that says whether it has come."""
    kind = random.choice(("time", "time", "file", "log"))
    log, places = folder.path / EVENTS, (folder.path, folder.path / "resume")
    if kind == "file":
        return kind, lambda: any(
            path.suffix == ".tmp" for place in places if place.exists() for path in place.iterdir()
        )
    size = (log.stat().st_size if log.exists() else 0) + random.randint(1, 3000)
    return kind, (lambda: log.exists() and log.stat().st_size >= size) if kind == "log" else lambda: False


def _differences(one: RunFolder, other: RunFolder, seen: Counter[str]) -> list[str]:
    """Return the differences between two runs that should be the same."""
    try:
        models = [ModelFile.load(run.model_path) for run in (one, other)]
        states = [run.checkpoint() for run in (one, other)]
        stories = [_story(run) for run in (one, other)]
    except (NextcharError, OSError) as error:
        return [f"it cannot be read: {error}"]
    found: list[str] = []
    for part, (mine, theirs) in {
        "weights": [{name: array.tobytes() for name, array in model.parameters.items()} for model in models],
        "facts of the model": [_untimed(model.provenance.model_dump()) for model in models],
        "state": [{name: array.tobytes() for name, array in state.arrays.items()} for state in states if state],
        "log": stories,
    }.items():
        if mine != theirs:
            found.append(f"another {part}" + (f": {len(mine)} and {len(theirs)} events" if part == "log" else ""))
    odd = [line for line in (other.path / EVENTS).read_bytes().splitlines() if not _is_event(line)]
    seen["lines of logs cut short, and kept"] += len(odd)
    found += [f"left over: {path.name}" for path in other.path.rglob("*.tmp")]
    return found


def _story(folder: RunFolder) -> list[dict[str, Any]]:
    """Return what the log says that a run read, planned, scored, wrote and reached."""
    kinds = TextRead | Planned | Evaluated | Sampled | Finished
    return [_untimed(event.model_dump()) for event in folder.events() if isinstance(event, kinds)]


def _untimed(facts: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in facts.items() if name not in UNTIMED}


def _is_event(line: bytes) -> bool:
    try:
        return event_from_json(line) is not None
    except ValueError:
        return False


def _text(random: Random) -> str:
    """Return lines of made-up words."""
    words = ["".join(random.choices("etaoinshrdlu", k=random.randint(1, 7))) for _ in range(60)]
    return "\n".join(" ".join(random.choices(words, k=6)) for _ in range(200))


if __name__ == "__main__":
    sys.exit(main())
