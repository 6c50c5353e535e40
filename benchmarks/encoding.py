"""Reading and encoding a large text: speed and memory.

Usage: python benchmarks/encoding.py [--megabytes 1000] [--folder /tmp]

Writes generated texts (English-like ASCII, Korean with three bytes per character) into a temporary folder. A process of
its own for each detects the encoding, encodes the text for the first time, and encodes it again.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import numpy as np

from nextchar.settings import TextSettings
from nextchar.text.corpus_cache import encode_corpus
from nextchar.text.files import open_text

MEGABYTE = 1_000_000


def main() -> None:
    """Measure both texts and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--megabytes", type=int, default=1000)
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()))
    parser.add_argument("--worker", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.worker:
        print(json.dumps(measure(options.worker)))
        return
    print(f"{processor()}, {os.cpu_count()} CPUs, Python {platform.python_version()}, numpy {np.__version__}")
    for name, words in (
        ("English-like ASCII", english_words()),
        ("Korean, 3 bytes a character", korean_words()),
    ):
        with tempfile.TemporaryDirectory(dir=options.folder) as folder:
            path = Path(folder) / "text.txt"
            size = write_text(path, words, options.megabytes * MEGABYTE)
            command = [sys.executable, __file__, "--worker", str(path)]
            figures = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
        report(name, size / MEGABYTE, figures)


def report(name: str, megabytes: float, figures: dict[str, float]) -> None:
    """Print the figures of one text."""
    print(f"{name}, {megabytes:,.0f} MB:")
    for step in ("open", "encode", "again"):
        print(
            f"  {step:<8} {figures[step]:6.1f} s  {megabytes / figures[step]:8,.0f} MB/s"
            f"  {figures[f'{step} processor']:6.1f} s of the processor"
        )
    both = figures["open"] + figures["encode"]
    of_processor = figures["open processor"] + figures["encode processor"]
    print(f"  {'in all':<8} {both:6.1f} s  {megabytes / both:8,.0f} MB/s  {of_processor:6.1f} s of the processor")
    peak, before = figures["peak"] / MEGABYTE, figures["before"] / MEGABYTE
    print(f"  peak resident memory {peak:,.0f} MB, of which the program alone {before:,.0f} MB")


def measure(path: Path) -> dict[str, float]:
    """Return the seconds of each step, elapsed and of the processor, and resident bytes at the peak and before."""
    figures = {"before": float(peak_memory())}
    times = [clocks()]
    text = open_text(path)
    times.append(clocks())
    for _ in range(2):
        encode_corpus([text], TextSettings(), cache_folder=path.parent / "cache")
        times.append(clocks())
    for step, (start, end) in zip(("open", "encode", "again"), pairwise(times), strict=True):
        figures[step], figures[f"{step} processor"] = end[0] - start[0], end[1] - start[1]
    return {**figures, "peak": float(peak_memory())}


def clocks() -> tuple[float, float]:
    """Return the time, and the seconds of the processor that this process has had: a busy machine changes only the
    first."""
    return time.perf_counter(), time.process_time()


def peak_memory() -> int:
    """Return the peak resident memory of this process, in bytes."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def processor() -> str:
    """Return the name of the processor."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), "unknown")


def english_words() -> Iterator[str]:
    """Yield words in the letters of English, some ending a line, and one letter beyond ASCII."""
    random = np.random.default_rng(0)
    letters = np.array(list("etaoinshrdlcumwfgypbvk"))
    weights = 1 / np.arange(1, len(letters) + 1)
    weights /= weights.sum()
    words = ["".join(random.choice(letters, 1 + random.poisson(4), p=weights)) for _ in range(20_000)]
    yield from (word + ("\n" if random.random() < 0.1 else " ") for word in words)
    yield "é\n"


def korean_words() -> Iterator[str]:
    """Yield words of Hangul syllables."""
    random = np.random.default_rng(0)
    syllables = np.array([chr(0xAC00 + 28 * i) for i in range(399)])
    for _ in range(20_000):
        yield "".join(random.choice(syllables, 2 + random.poisson(1.5))) + " "
    yield "\n"


def write_text(path: Path, words: Iterator[str], size: int) -> int:
    """Repeat ``words`` in the file ``path`` until it has about ``size`` bytes; return its size."""
    piece = "".join(words).encode()
    with path.open("wb") as file:
        for _ in range(max(1, round(size / len(piece)))):
            file.write(piece)
    return path.stat().st_size


if __name__ == "__main__":
    main()
