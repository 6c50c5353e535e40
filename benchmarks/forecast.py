"""How close the forecast of `nextchar inspect` comes to what training reaches.

Usage: python benchmarks/forecast.py [--time 60s]
"""

from __future__ import annotations

import argparse
import tempfile

from command import nextchar
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


def main() -> None:
    """Run the benchmark and print a table in Markdown."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--time", default="60s")
    time = parser.parse_args().time
    print(describe_machine())
    print(f"\n| text | forecast for {time}, bits per character | reached | ratio |\n|---|---:|---:|---:|")
    for text, options in TEXTS.items():
        given = (text, *options, "--from", "none", "--time", time)
        expected = nextchar("inspect", *given)["forecast"]["bits_per_character"]
        with tempfile.TemporaryDirectory() as folder:
            run = nextchar("train", *given, "--out", folder + "/run", "--quiet")
        reached = run["validation_bits_per_character"]
        print(f"| {text} | {expected:.2f} | {reached:.2f} | {expected / reached:.2f} |", flush=True)


if __name__ == "__main__":
    main()
