"""How near the forecast of `nextchar inspect` comes to what training then reaches.

Usage: python benchmarks/forecast.py [--time 60s]
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile

from machine import describe_machine

TEXTS = {
    "nietzsche": ("--lowercase",),
    "tinyshakespeare": (),
    "korean-stories": (),
    "names": (),
    "python-docs": (),
    "hafez": (),
    "hongloumeng": (),
}


def command(*arguments: str) -> dict[str, object]:
    """Return the JSON that a command of nextchar prints last."""
    done = subprocess.run([sys.executable, "-m", "nextchar", *arguments], check=True, capture_output=True, text=True)
    result: dict[str, object] = json.loads(done.stdout.splitlines()[-1])
    return result


def main() -> None:
    """Run the benchmark and print a table in Markdown."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--time", default="60s")
    time = parser.parse_args().time
    print(describe_machine())
    print(f"\n| text | forecast for {time}, bits per character | reached | ratio |\n|---|---:|---:|---:|")
    for text, options in TEXTS.items():
        expected = command("inspect", text, *options, "--time", time, "--json")["forecast"]["bits_per_character"]
        with tempfile.TemporaryDirectory() as folder:
            run = command("train", text, *options, "--time", time, "--out", folder + "/run", "--quiet", "--json")
        reached = run["validation_bits_per_character"]
        print(f"| {text} | {expected:.2f} | {reached:.2f} | {expected / reached:.2f} |", flush=True)


if __name__ == "__main__":
    main()
