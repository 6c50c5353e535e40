"""Peak resident memory and duration of training on a large file, by the command itself.

Usage: python benchmarks/memory.py [--megabytes 1000] [--time 10s] [--folder FOLDER]
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from encoding import english_words, write_text
from machine import describe_machine


def main() -> None:
    """Write the file, train on it, and print memory and time."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--megabytes", type=int, default=1000)
    parser.add_argument("--time", default="10s")
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()))
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=arguments.folder) as name:
        folder = Path(name)
        size = write_text(folder / "text.txt", english_words(), arguments.megabytes * 1_000_000)
        command = [sys.executable, "-m", "nextchar", "train", str(folder / "text.txt"), "--from", "none"]
        command += ["--out", str(folder / "run"), "--time", arguments.time, "--json"]
        began = time.perf_counter()
        done = subprocess.run(
            command, check=True, stdout=subprocess.PIPE, text=True, env={**os.environ, "NEXTCHAR_CACHE": name}
        )
        seconds = time.perf_counter() - began
    result = json.loads(done.stdout.splitlines()[-1])
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024
    print(describe_machine())
    print(
        f"training for {arguments.time} on a file of {size / 1e6:,.0f} MB ({result['characters']:,} characters): peak "
        f"resident memory {peak / 1e6:,.0f} MB, {seconds:.0f} s from the command to its end, of which "
        f"{result['training_seconds']:.1f} s training"
    )


if __name__ == "__main__":
    main()
