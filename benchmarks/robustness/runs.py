"""Damaged and edited run folders: each command must succeed or fail with a sentence, and lose nothing.

Usage: python benchmarks/robustness/runs.py [--count 400] [--reads 4000] [--seed 0] [--only SEED]

Copies a small run, mutates one of its files (bytes flipped, cut or zeroed; a JSON entry replaced by odd values; arrays
of another shape or type; files exchanged, removed, emptied, turned into folders), and runs a command on it. The command
must exit with 0, or with 1 or 2 and one sentence; without a traceback; in bounded time and memory. After a failure
every file must be unchanged. After a resume every line of the log that is not an event must still be there.

``--count`` cases run the command, each in its own process. ``--reads`` further cases run all the readers of a run in
this process, which is much faster. Exits with 1 if anything else happens. ``--only`` repeats one case of the command.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path
from random import Random

import numpy as np
from mutations import json_bytes, mutated_bytes, mutated_json
from processes import Ended, run

from nextchar.errors import NextcharError
from nextchar.files import tensor_file
from nextchar.runs.folder import EVENTS, MODEL, SETTINGS, STATE, RunFolder
from nextchar.runs.record import RunRecord
from nextchar.training.events import event_from_json

OPTIONS = ("--steps", 40, "--evaluations", 2, "--hidden", 8, "--streams", 4, "--window", 8, "--sample-length", 10,
           "--threads", 1, "--seed", 3)  # fmt: skip
COMMANDS = (("train", "--resume"),) * 6 + (("sample", "--length", "5"), ("info",), ("report",))
SECONDS, PATIENCE, MEGABYTES, LONGEST = 10.0, 60.0, 3000.0, 1500
GOOD_ENDS = ("done", "a sentence")
FILES = (SETTINGS, STATE, EVENTS, MODEL)


def main() -> int:
    """Mutate, run and check; print what happened."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=400)
    parser.add_argument("--reads", type=int, default=4000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", type=int, help="seed of one case to run, with full output")
    options = parser.parse_args()
    seen, failures = Counter[tuple[str, str, str]](), list[str]()
    with tempfile.TemporaryDirectory(prefix="nextchar-") as name:
        place = Path(name)
        os.environ["NEXTCHAR_CACHE"] = str(place / "cache")
        template = _template(place)
        first = options.seed * 1_000_000
        for seed in [options.only] if options.only is not None else range(first, first + options.count):
            case = _Case(template, place / "case", Random(seed))
            ended, wrong = case.try_out()
            seen[(case.what, case.command[0], _named(ended))] += 1
            failures += _print_failures(
                f"seed {seed}: {case.what}, nextchar {case.command[0]}: {reason}" for reason in wrong
            )
            if options.only is not None:
                print(ended.output)
        for seed in () if options.only is not None else range(first, first + options.reads):
            what, end = _read(template, place / "case", Random(seed))
            seen[(what, "read", end if end in GOOD_ENDS else "FAILED")] += 1
            failures += _print_failures([] if end in GOOD_ENDS else [f"seed {seed}: {what}, read: {end}"])
    for (what, command, end), count in sorted(seen.items()):
        print(f"{what:<40}{command:<10}{end:<14}{count:>7,}")
    print(f"{sum(seen.values()):,} cases, {len(failures):,} failures")
    return 1 if failures else 0


def _print_failures(failures: Iterable[str]) -> list[str]:
    """Print ``failures`` at once, and return them."""
    known = list(failures)
    for failure in known:
        print(failure, flush=True)
    return known


def _read(template: Path, folder: Path, random: Random) -> tuple[str, str]:
    """Read a mutated copy with every reader of a run; return the mutation and the outcome."""
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(template, folder)
    what, run_folder, end = random.choice(MUTATIONS)(folder, random), RunFolder(folder), "done"
    for read in (
        run_folder.settings,
        run_folder.checkpoint,
        lambda: RunRecord.read(run_folder).history(),
        run_folder.write_samples,
    ):
        try:
            read()
        except NextcharError as error:
            end = GOOD_ENDS[1]
            if "\n" in str(error) or len(str(error)) > LONGEST:
                return what, f"no sentence: {str(error)[:600]!r}"
        except Exception as error:  # noqa: BLE001 (whatever it is, it counts as a failure)
            return what, f"{type(error).__name__}: {str(error)[:600]}"
    return what, end


def _template(place: Path) -> Path:
    """Return the folder of an unfinished run."""
    text, folder = place / "book.txt", place / "template"
    random = Random(1)
    text.write_text("\n".join("".join(random.choices("etaoin shrdlu", k=40)) for _ in range(80)))
    ended = run(("train", text, "--out", folder, *OPTIONS), place / "output")
    if ended.status != 0:
        sys.exit(ended.output)
    settings = json.loads((folder / SETTINGS).read_bytes())
    settings["plan"]["steps"] += 20
    (folder / SETTINGS).write_text(json.dumps(settings))
    return folder


class _Case:
    """One mutated copy of a run, and the command to run on it."""

    def __init__(self, template: Path, folder: Path, random: Random) -> None:
        self._folder, self._random = folder, random
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(template, folder)
        self.command = random.choice(COMMANDS)
        self.what = random.choice(MUTATIONS)(folder, random)
        self._before = _content(folder)

    def try_out(self) -> tuple[Ended, list[str]]:
        """Run the command; return the outcome and what is wrong with it."""
        name, *options = self.command
        arguments = (name, *options, self._folder) if name == "train" else (name, self._folder, *options)
        ended = run(arguments, self._folder.parent / "output", SECONDS)
        wrong: list[str] = []
        if ended.status not in {0, 1, 2, 130} or "Traceback" in ended.output:
            wrong.append(f"exit status {ended.status}: {ended.output[-600:]}")
        if ended.status in {1, 2}:
            last = ended.output.splitlines()[-1] if ended.output else ""
            if not last.startswith("nextchar: ") or len(last) > LONGEST:
                wrong.append(f"no sentence: {last[:600]!r}")
        if ended.seconds > SECONDS + PATIENCE or (ended.status == 130 and not ended.interrupted):
            wrong.append(f"it took {ended.seconds:.0f} s")
        if ended.megabytes > MEGABYTES:
            wrong.append(f"it took {ended.megabytes:,.0f} MB")
        return ended, wrong + self._lost(ended)

    def _lost(self, ended: Ended) -> list[str]:
        after = _content(self._folder)
        if ended.status in {1, 2} and "Continuing at step" not in ended.output:
            return [f"{name} is not as it was" for name, was in self._before.items() if after.get(name) != was]
        kept = after.get(EVENTS, b"").split(b"\n")
        return [f"lost from the log: {line[:100]!r}" for line in _odd_lines(self._before) if line not in kept]


def _content(folder: Path) -> dict[str, bytes]:
    """Return the content of each file but the lock, by name."""
    files = (path for path in folder.rglob("*") if path.is_file() and path.name != ".lock")
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def _odd_lines(content: dict[str, bytes]) -> list[bytes]:
    """Return the lines of the log that are not events."""
    lines: list[bytes] = []
    for line in content.get(EVENTS, b"").split(b"\n"):
        try:
            event_from_json(line)
        except ValueError:
            lines.append(line)
    return lines


def _named(ended: Ended) -> str:
    return {0: GOOD_ENDS[0], 1: GOOD_ENDS[1], 2: GOOD_ENDS[1], 130: "went on long"}.get(ended.status, "FAILED")


def _bytes(folder: Path, random: Random) -> str:
    name = random.choice(FILES)
    path = folder / name
    path.write_bytes(mutated_bytes(path.read_bytes(), random))
    return f"bytes of {name}"


def _settings_entry(folder: Path, random: Random) -> str:
    path = folder / SETTINGS
    path.write_bytes(json_bytes(mutated_json(json.loads(path.read_bytes()), random)))
    return f"an entry of {SETTINGS}"


def _log_entry(folder: Path, random: Random) -> str:
    path = folder / EVENTS
    lines = path.read_bytes().splitlines()
    at = random.randrange(len(lines))
    lines[at] = json_bytes(mutated_json(json.loads(lines[at]), random))
    path.write_bytes(b"\n".join(lines) + random.choice((b"\n", b"")))
    return f"an entry of {EVENTS}"


def _state_entry(folder: Path, random: Random) -> str:
    """Change an entry of the state's header or one of its arrays, with a correct checksum."""
    path = folder / STATE
    header, arrays = tensor_file.from_bytes(path.read_bytes())
    if random.random() < 0.5:
        changed = mutated_json(header, random)
        header = changed if isinstance(changed, dict) else {"position": changed}
    else:
        name = random.choice(sorted(arrays))
        array = arrays.pop(name)
        kind = random.choice(("remove", "rename", "dtype", "shape", "grow", "NaN", "huge", "negative", "zero"))
        odd = {"NaN": np.nan, "huge": 3e38, "negative": -1.0, "zero": 0.0}
        if kind == "rename":
            arrays[f"{name}x"] = array
        elif kind == "dtype":
            arrays[name] = array.astype(random.choice((np.float64, np.float16, np.int32, np.uint8, np.bool_)))
        elif kind == "shape":
            arrays[name] = array.reshape(1, -1)
        elif kind == "grow":
            arrays[name] = np.concatenate([array.reshape(-1)] * 2)
        elif kind in odd:
            value = odd[kind] if array.dtype.kind == "f" else abs(odd[kind]) % 256 if kind != "NaN" else 255
            arrays[name] = np.full_like(array, value)
    path.write_bytes(tensor_file.to_bytes(header, arrays))
    return f"an entry of {STATE}"


def _exchanged(folder: Path, random: Random) -> str:
    one, other = random.sample(FILES, 2)
    content = (folder / one).read_bytes()
    (folder / one).write_bytes((folder / other).read_bytes())
    (folder / other).write_bytes(content)
    return "two files exchanged"


def _replaced(folder: Path, random: Random) -> str:
    path = folder / random.choice((*FILES, "resume", "samples.md", "report.html", ".lock"))
    kind = random.choice(("removed", "emptied", "a folder", "a link to itself"))
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
    if kind == "emptied":
        path.touch()
    elif kind == "a folder":
        (path / "inside").mkdir(parents=True)
    elif kind == "a link to itself":
        path.symlink_to(path)
    return f"a file {kind}"


MUTATIONS: tuple[Callable[[Path, Random], str], ...] = (
    _bytes, _bytes, _settings_entry, _settings_entry, _settings_entry, _log_entry, _log_entry, _state_entry,
    _state_entry, _exchanged, _replaced,
)  # fmt: skip
"""Each is as likely as often it is listed; it returns what it did."""

if __name__ == "__main__":
    sys.exit(main())
