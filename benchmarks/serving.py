"""Serving: requests and characters per second, and latency, under 1, 8 and 64 clients.

Usage: python benchmarks/serving.py [--seconds 10] [--hidden 128] [--characters 100] [--model MODEL] [--output FILE]

`nextchar serve` runs in its own process and serves a network with random weights (57 characters, one-hot), or MODEL.
The load generator wrk (Debian: apt-get install wrk), on the same machine, keeps that many connections busy: each
requests a text at temperature 0.5 from /api/generate, then the next as soon as it arrives. Meanwhile another client
requests /healthz twenty times per second. Times are from sending a request to the complete response. Responses other
than 200 are counted.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import numpy as np
from machine import describe_machine

from nextchar.model.model_file import ModelFile
from nextchar.networks.architecture import Architecture
from nextchar.text.vocabulary import Vocabulary

CLIENTS = (1, 8, 64)
CHARACTERS = "\n " + "".join(map(chr, range(ord("A"), ord("A") + 55)))
PROMPT = "THE SLOWLY ASCENDING RANKS AND CLASSES\n"
ASK_SLOWLY = "function delay() return 50 end\n"
REPORT = """
done = function(summary, latency, requests)
  local e = summary.errors
  io.write("\\nRESULT ", summary.requests, " ", summary.duration / 1e6, " ", latency:percentile(50) / 1e3, " ",
    latency:percentile(99) / 1e3, " ", e.connect + e.read + e.write + e.status + e.timeout, "\\n")
end
"""
"""The figures that wrk prints at its end, in the order of `Result`."""


class Result(NamedTuple):
    """The figures of wrk; times in milliseconds."""

    requests: float
    seconds: float
    median: float
    p99: float
    failed: float


def random_model(path: Path, hidden: int) -> Path:
    """Save a model with random weights."""
    vocabulary = Vocabulary("".join(sorted(CHARACTERS)), has_unknown=False)
    architecture = Architecture(vocabulary_size=vocabulary.size, embedding=None, hidden=(hidden,))
    random = np.random.default_rng(0)
    shapes = architecture.parameter_shapes().items()
    parameters = {name: random.normal(0, 0.1, shape).astype(np.float32) for name, shape in shapes}
    ModelFile(architecture, vocabulary, parameters).save(path)
    return path


@contextmanager
def serving(model: Path) -> Iterator[str]:
    """Serve ``model`` from another process; yield the address."""
    command = [sys.executable, "-m", "nextchar", "serve", str(model), "--port", "0"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        address_line = next(line for line in process.stderr if "http://" in line)
        try:
            yield re.findall(r"http://\S+?:\d+", address_line)[0]
        finally:
            process.terminate()


class Load:
    """Requests of many clients at once for some seconds, by wrk in its own process."""

    def __init__(self, address: str, clients: int, seconds: float, script: str) -> None:
        """Start the requests to ``address`` that ``script`` describes."""
        with tempfile.NamedTemporaryFile("w", encoding="utf-8", suffix=".lua", delete=False) as file:
            file.write(script + REPORT)
        load = ["wrk", "-t1", f"-c{clients}", f"-d{seconds:g}s", "--timeout", "60s", "-s", file.name, address]
        self._process = subprocess.Popen(load, stdout=subprocess.PIPE, text=True)
        self._script = Path(file.name)

    def wait(self) -> Result:
        """Return the measurements."""
        output, _ = self._process.communicate()
        self._script.unlink()
        return Result(*map(float, re.findall(r"^RESULT (.*)$", output, re.M)[0].split()))


def measure(address: str, clients: int, characters: int, seconds: float) -> list[str]:
    """Return a row of the table: the figures under that many clients."""
    body = json.dumps({"prompt": PROMPT, "length": characters, "temperature": 0.5})
    ask = f'wrk.method = "POST"\nwrk.headers["Content-Type"] = "application/json"\nwrk.body = [==[{body}]==]\n'
    writing = Load(f"{address}/api/generate", clients, seconds, ask)
    looking = Load(f"{address}/healthz", 1, seconds, ASK_SLOWLY)
    written, looked = writing.wait(), looking.wait()
    rate = written.requests / written.seconds
    return [
        f"{clients}",
        f"{rate:,.0f}",
        f"{rate * characters:,.0f}",
        *(f"{time:.1f}" for time in (written.median, written.p99, looked.median, looked.p99)),
        f"{written.failed + looked.failed:.0f}",
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--hidden", type=int, default=128)
    parser.add_argument("--characters", type=int, default=100)
    parser.add_argument("--model", type=Path)
    parser.add_argument("--output", type=Path)
    options = parser.parse_args()
    lines = [
        f"{describe_machine()}",
        "",
        "| clients | requests/s | characters/s | p50 ms | p99 ms | /healthz p50 ms | /healthz p99 ms | not answered |",
        "|---:|---:|---:|---:|---:|---:|---:|---:|",
    ]
    with tempfile.TemporaryDirectory() as name:
        model = options.model or random_model(Path(name) / "model.safetensors", options.hidden)
        with serving(model) as address:
            measure(address, 1, options.characters, 1)  # so that everything is loaded
            for clients in CLIENTS:
                row = measure(address, clients, options.characters, options.seconds)
                lines.append(f"| {' | '.join(row)} |")
    page = "\n".join(lines)
    print(page)
    if options.output:
        options.output.write_text(page + "\n")


if __name__ == "__main__":
    main()
