"""A large file of compressed records: encoding, a kill and its continuation, and two minutes of training.

Usage: python benchmarks/big_input.py [--megabytes 2000] [--time 2m] [--folder FOLDER]

Writes a file of JSON lines, compressed with Zstandard, made of the texts in NEXTCHAR_CORPORA (about a thousand
characters a record, repeated, each time with another number in front). The command trains on it: it is killed while it
writes the ids, and given again. Then, with an empty cache, a process of its own encodes the file without being
disturbed. Memory is that of the command and of every process it starts.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from backports import zstd
from machine import describe_machine

from nextchar.runs.training_text import find_texts
from nextchar.settings import TextSettings
from nextchar.text.corpus_cache import encode_corpus

MEGABYTE = 1_000_000
TEXT = TextSettings(column="text")
TEXTS = ("tinyshakespeare.txt", "nietzsche.txt", "korean_stories.txt")


def main() -> None:
    """Write the file, measure everything and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--megabytes", type=int, default=2000)
    parser.add_argument("--time", default="2m")
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()))
    parser.add_argument("--worker", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.worker:
        print(json.dumps(encode(options.worker)))
        return
    print(f"{describe_machine()}; load {os.getloadavg()[0]:.1f}")
    with tempfile.TemporaryDirectory(dir=options.folder) as name:
        folder = Path(name)
        path = folder / "records.jsonl.zst"
        size = write_records(path, options.megabytes * MEGABYTE)
        print(f"JSON lines: {size / MEGABYTE:,.0f} MB, {path.stat().st_size / MEGABYTE:,.0f} MB compressed", flush=True)
        report_training(path, options.time, size)
        report_encoding(path, size)


def passages() -> list[str]:
    """Return some real texts in passages of a thousand characters."""
    corpora = Path(os.environ["NEXTCHAR_CORPORA"])
    texts = [(corpora / name).read_text(encoding="utf-8") for name in TEXTS]
    return [text[start : start + 1000] for text in texts for start in range(0, len(text), 1000)]


def write_records(path: Path, size: int) -> int:
    """Write about ``size`` bytes of JSON lines, compressed, to ``path``; return the bytes before compression."""
    known, written = passages(), 0
    with zstd.open(path, "wb") as file:
        for number in count():
            record = {"id": number, "text": f"{number}. {known[number % len(known)]}"}
            written += file.write((json.dumps(record, ensure_ascii=False) + "\n").encode())
            if written >= size:
                return written
    raise AssertionError("counting never ends")


def encode(path: Path) -> dict[str, float]:
    """Return the seconds of opening and of encoding ``path``, and the number of characters."""
    cache = path.parent / "cache of the worker"
    began = time.perf_counter()
    texts = find_texts([str(path)], TEXT, cache).files
    opened = time.perf_counter()
    corpus = encode_corpus(texts, TEXT, cache_folder=cache)
    ended = time.perf_counter()
    return {
        "open": opened - began,
        "encode": ended - opened,
        "characters": corpus.characters,
        "held_out": len(corpus.validation),
        "sections": len(corpus.held_out),
    }


def report_encoding(path: Path, size: int) -> None:
    """Encode ``path`` in a process of its own, and print time and memory."""
    process = subprocess.Popen(
        [sys.executable, __file__, "--worker", str(path)], stdout=subprocess.PIPE, text=True, encoding="utf-8"
    )
    watch = Watch(process.pid)
    while process.poll() is None:
        watch.look()
        time.sleep(0.1)
    assert process.stdout
    found = json.loads(process.stdout.read())
    seconds = found["open"] + found["encode"]
    print(
        f"encoding: open {found['open']:.1f} s, count and encode {found['encode']:.1f} s, in all {seconds:.1f} s, "
        f"{size / MEGABYTE / seconds:.0f} MB/s of JSON lines; {found['characters']:,} characters, "
        f"{found['held_out']:,} of them held out from {found['sections']:,} sections; "
        f"peak resident memory {watch.peak / MEGABYTE:,.0f} MB"
    )


def report_training(path: Path, duration: str, size: int) -> None:
    """Train on ``path`` by the command, killed once while it encodes; print time and memory."""
    cache = path.parent / "cache"
    command = [sys.executable, "-m", "nextchar", "train", str(path), "--column", "text", "--from", "none"]
    command += ["--time", duration, "--out", str(path.parent / "run"), "--resume", "auto", "--json"]
    environment = {**os.environ, "NEXTCHAR_CACHE": str(cache)}
    began = time.perf_counter()
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    target = round(size * 0.5)
    while process.poll() is None and ids_written(cache) < target:
        time.sleep(0.1)
    process.kill()
    process.wait()
    print(
        f"killed after {time.perf_counter() - began:.1f} s, with {ids_written(cache) / MEGABYTE:,.0f} MB of ids",
        flush=True,
    )
    began = time.perf_counter()
    process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True, encoding="utf-8")
    watch, encoded = Watch(process.pid), 0.0
    encoding = 0
    while process.poll() is None:
        watch.look()
        if not encoded and is_encoded(cache):
            encoded, encoding = time.perf_counter() - began, watch.peak
        time.sleep(0.1)
    assert process.stdout
    result = json.loads(process.stdout.read().splitlines()[-1])
    print(
        f"given again: encoded after {encoded:.1f} s, ended after {time.perf_counter() - began:.1f} s, "
        f"{result['training_seconds']:.1f} s of them training; {result['validation_bits_per_character']:.3f} bits per "
        f"character; peak resident memory {encoding / MEGABYTE:,.0f} MB until encoded, "
        f"{watch.peak / MEGABYTE:,.0f} MB in all; load {os.getloadavg()[0]:.1f}",
        flush=True,
    )


def ids_written(cache: Path) -> int:
    """Return the bytes of ids that an unfinished encoding in ``cache`` has."""
    with suppress(OSError):
        return sum(file.stat().st_size for file in cache.glob("corpora/.encoding-*/entry/ids.bin"))
    return 0


def is_encoded(cache: Path) -> bool:
    """Return whether ``cache`` holds an encoded text."""
    return any(not entry.parent.name.startswith(".") for entry in cache.glob("corpora/*/corpus.json"))


@dataclass
class Watch:
    """The memory of a process and of those it starts."""

    pid: int
    peak: int = 0
    """Largest sum of their resident memory so far, in bytes; of a single process, its own peak."""

    def look(self) -> None:
        """Look at the memory now."""
        processes = [*self._tree(self.pid)]
        field = "VmHWM" if len(processes) == 1 else "VmRSS"
        self.peak = max(self.peak, sum(memory(pid, field) for pid in processes))

    def _tree(self, pid: int) -> Iterator[int]:
        yield pid
        with suppress(OSError):
            for task in Path(f"/proc/{pid}/task").iterdir():
                for child in (task / "children").read_text(encoding="ascii").split():
                    yield from self._tree(int(child))


def memory(pid: int, field: str) -> int:
    """Return an entry of the status of a process in bytes; 0 if the process has ended."""
    with suppress(OSError):
        for line in Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines():
            if line.startswith(f"{field}:"):
                return int(line.split()[1]) * 1024
    return 0


if __name__ == "__main__":
    main()
