"""A server among bad clients: does it serve good ones, free its slots, and keep its memory?

Usage: python benchmarks/robustness/clients.py [--seconds 20] [--clients 8] [--seed 0] [--model MODEL]

`nextchar serve` runs in its own process on this machine, with short deadlines, and serves a small network with random
weights, or MODEL. For --seconds, --clients clients of each kind send requests repeatedly, as the seed decides:

- slow: sends its request a few bytes at a time;
- stuck: requests a long text and does not read it;
- vanishing: leaves in the middle of its request, while it waits, or during the response;
- greedy: requests as much as the limits allow, and more, in bodies that are large, deep and wrong in every place;
- idle: connects and sends nothing.

Meanwhile one client requests /healthz, another requests short texts, and a third closes its sending side after each
request. Each of their requests must get 200, or 503 with Retry-After. At the end the bad clients stop, the server must
have its slots back, and SIGTERM must end it although some clients are connected and do not read.

Prints requests and responses, times of ordinary requests, and memory and processor time of the server. Exits with 1 if
the server ended early, wrote a traceback or much else, left a good request unanswered or kept a slot, or if its memory
grew from the second quarter of the time to the last by more than a quarter and 128 MB.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import re
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from random import Random
from time import monotonic, sleep

import numpy as np

from nextchar.model.model_file import ModelFile
from nextchar.networks.architecture import Architecture
from nextchar.text.vocabulary import Vocabulary

HOST = "127.0.0.1"
CHARACTERS = "\n abcdefghijklmnopqrstuvwxyz"
LIMITS = {"max-time": "4s", "max-stall": "1s", "max-arrival": "2s", "max-idle": "2s", "max-characters": "20000000"}
PATIENCE = 30.0
"""Seconds after which a good request counts as unanswered, and a stopping server as hung."""
ENDLESS = {"length": 20_000_000, "temperature": 1.0, "stream": True}
GROWTH, ROOM = 1.25, 128e6
"""Growth allowed from the second quarter to the last: a factor, and bytes."""
MOST_LINES = 100
"""Lines that the server may write."""

Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]


def request(path: str, body: object = None) -> bytes:
    """Return a request to ``path``, with ``body`` in JSON; bytes are sent as they are."""
    if body is None:
        return f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode()
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nConnection: close\r\n"
    return f"{head}Content-Length: {len(content)}\r\n\r\n".encode() + content


def greedy_requests() -> list[bytes]:
    """Return requests that use the limits fully, and that exceed them."""
    return [
        request("/v1/completions", {"prompt": "a" * 20_000, "max_tokens": 20_000, "logprobs": 5}),
        request("/v1/completions", {"prompt": "a" * 150, "n": 128, "echo": True, "logprobs": 5, "max_tokens": 50}),
        request("/v1/completions", {"prompt": "a" * 20_000, "n": 128, "echo": True, "max_tokens": 200_000}),
        request("/api/score", {"text": "a" * 20_000, "alternatives": 20}),
        request("/api/generate", {"prompt": "e" + "\u0301\u0323" * 9_999, "length": 100}),
        request("/api/generate", {f"option{number}": number for number in range(50_000)}),
        request("/api/generate", b'{"stop":' + b"[" * 1_000_000),
        request("/v1/completions", {"prompt": [0] * 300_000}),
        request("/api/generate", {"prompt": "a" * 1_100_000}),
        request("/api/generate", b"{" * 1_000_000),
    ]


async def read_or_not(reader: asyncio.StreamReader, seconds: float) -> None:
    """Wait for data, at most that long."""
    with suppress(OSError, TimeoutError):
        async with asyncio.timeout(seconds):
            await reader.read(100)


class Crowd:
    """The clients, and the results of their requests."""

    def __init__(self, port: int, seed: int) -> None:
        self.port, self.random = port, Random(seed)
        self.greedy = greedy_requests()  # made beforehand: good clients share this process
        self.done: Counter[str] = Counter()
        self.faults: list[str] = []
        self.times: dict[str, list[float]] = {"/healthz": [], "/api/generate": []}
        self.kept: list[Connection] = []
        """Connections that are stuck at the end."""

    async def connect(self, buffer: int | None = None) -> Connection:
        """Connect, perhaps with a small ``buffer`` for what comes."""
        connection = socket.socket()
        if buffer is not None:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
        connection.setblocking(False)
        await asyncio.get_running_loop().sock_connect(connection, (HOST, self.port))
        return await asyncio.open_connection(sock=connection, limit=buffer or 2**20)

    async def answer(self, sent: bytes, *, half_close: bool = False) -> bytes:
        """Return the complete response to a request."""
        reader, writer = await self.connect()
        try:
            writer.write(sent)
            await writer.drain()
            if half_close:
                writer.write_eof()
            return await reader.read(-1)
        finally:
            writer.close()

    # Bad clients.

    async def be_slow(self) -> None:
        """Send a request a few bytes at a time, until it is whole or the server has enough."""
        reader, writer = await self.connect()
        sent = request("/api/generate", {"prompt": "a" * self.random.randint(1, 200), "length": 5})
        reading = asyncio.ensure_future(reader.read(-1))
        try:
            for first in range(0, len(sent), 5):
                writer.write(sent[first : first + 5])
                await writer.drain()
                if (await asyncio.wait({reading}, timeout=self.random.choice((0.005, 0.5))))[0]:
                    break
        finally:
            writer.close()
            await asyncio.gather(reading, return_exceptions=True)

    async def be_stuck(self) -> None:
        """Request a long text and read none of it."""
        _, writer = await self.connect(buffer=4096)
        writer.write(request("/api/generate", ENDLESS))
        await asyncio.sleep(self.random.uniform(1, 8))
        writer.transport.abort()

    async def vanish(self) -> None:
        """Disconnect at a random place."""
        reader, writer = await self.connect()
        whole = request("/api/generate", {**ENDLESS, "stream": self.random.random() < 0.5})
        writer.write(whole[: self.random.randint(0, len(whole))] if self.random.random() < 0.3 else whole)
        await asyncio.sleep(self.random.choice((0, 0.01, 0.3)))
        if self.random.random() < 0.3:
            await read_or_not(reader, 1)
        if self.random.random() < 0.5:
            writer.transport.abort()
        else:
            writer.close()

    async def be_greedy(self) -> None:
        """Request everything, and more."""
        await self.answer(self.random.choice(self.greedy))

    async def be_idle(self) -> None:
        """Connect several times and send nothing."""
        connections = [await self.connect() for _ in range(20)]
        for reader, writer in connections:
            await read_or_not(reader, 3)
            writer.close()

    # Good clients.

    async def look(self) -> None:
        """Request /healthz."""
        await self._ask("/healthz", request("/healthz"))

    async def write(self) -> None:
        """Request a short text."""
        await self._ask("/api/generate", request("/api/generate", {"prompt": "the", "length": 40}))

    async def write_half_closed(self) -> None:
        """Request a short text, and close the sending side after the request."""
        await self._ask("/api/generate", request("/api/generate", {"prompt": "the", "length": 40}), half_close=True)

    async def _ask(self, path: str, sent: bytes, *, half_close: bool = False) -> None:
        began = monotonic()
        try:
            async with asyncio.timeout(PATIENCE):
                answer = await self.answer(sent, half_close=half_close)
        except (OSError, TimeoutError) as error:
            answer = repr(error).encode()
        answer = answer.replace(b"HTTP/1.1 100 Continue\r\n\r\n", b"")
        if answer.startswith(b"HTTP/1.1 200 "):
            self.times[path].append(monotonic() - began)
            self.done["answered"] += 1
        elif answer.startswith(b"HTTP/1.1 503 ") and b"retry-after:" in answer.lower():
            self.done["sent away with 503"] += 1
        else:
            self.faults.append(f"a good request to {path} was not answered: {answer[:100]!r}")
        await asyncio.sleep(0.05)

    async def run(self, clients: int, seconds: float) -> None:
        """Run that many clients of each bad kind, and one of each good kind, for that long."""
        ends = monotonic() + seconds
        bad = (self.be_slow, self.be_stuck, self.vanish, self.be_greedy, self.be_idle)
        good = (self.look, self.write, self.write_half_closed)
        async with asyncio.TaskGroup() as group:
            for kind in (*bad * clients, *good):
                group.create_task(self._again_and_again(kind, ends, is_bad=kind in bad))
        self.kept = [await self.connect(buffer=4096) for _ in range(4)]

    async def _again_and_again(self, ask: Callable[[], Awaitable[None]], ends: float, *, is_bad: bool) -> None:
        while monotonic() < ends:
            try:
                async with asyncio.timeout(ends + PATIENCE - monotonic() if not is_bad else PATIENCE):
                    await ask()
            except (OSError, TimeoutError) as error:  # what becomes of a bad client is its own business
                if not is_bad:
                    self.faults.append(f"a good client was not answered: {error!r}")
            self.done[ask.__name__] += 1

    async def slots_returned(self) -> bool:
        """Return whether all work ends within some time."""
        ends = monotonic() + PATIENCE
        while monotonic() < ends:
            metrics = (await self.answer(request("/metrics"))).decode()
            if all(
                float(value) == 0 for value in re.findall(r"^nextchar_(?:running|waiting)\S* (\S+)$", metrics, re.M)
            ):
                return True
            await asyncio.sleep(0.1)
        return False

    async def be_stuck_at_the_end(self) -> None:
        """Request long texts over the kept connections, and read none of them."""
        for _, writer in self.kept:
            writer.write(request("/api/generate", ENDLESS))
        await asyncio.sleep(0.5)


class Watched:
    """The server process: its memory and time as the system counts them."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self.process = process
        self.memory: list[float] = []

    async def watch(self, seconds: float) -> None:
        """Sample the memory ten times per second."""
        ends = monotonic() + seconds
        while monotonic() < ends and self.process.poll() is None:
            self.memory.append(self._resident())
            await asyncio.sleep(0.1)

    def _resident(self) -> float:
        pages = Path(f"/proc/{self.process.pid}/statm").read_text(encoding="utf-8").split()[1]
        return int(pages) * os.sysconf("SC_PAGE_SIZE")

    def seconds(self) -> float:
        """Return the processor time so far."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def grown(self) -> str | None:
        """Return how memory grew without bound; None where it did not."""
        quarter = max(1, len(self.memory) // 4)
        before, after = max(self.memory[quarter : 2 * quarter], default=0), max(self.memory[-quarter:], default=0)
        if after <= before * GROWTH + ROOM:
            return None
        return f"memory grew from {before / 1e6:,.0f} MB to {after / 1e6:,.0f} MB"


async def test(port: int, process: subprocess.Popen[bytes], options: argparse.Namespace) -> list[str]:
    """Run the clients against the server, print the results, and return the failures."""
    crowd, watched = Crowd(port, options.seed), Watched(process)
    await asyncio.gather(crowd.run(options.clients, options.seconds), watched.watch(options.seconds))
    if process.poll() is not None:
        return [*crowd.faults, f"the server ended with status {process.returncode}"]
    faults = list(crowd.faults)
    if not await crowd.slots_returned():
        faults.append("slots were not returned")
    faults += [grown] if (grown := watched.grown()) else []
    print(f"{options.seconds:g} s, {options.clients} clients of each kind: {dict(sorted(crowd.done.items()))}")
    for path, times in crowd.times.items():
        ordered = sorted(times) or [float("nan")]
        p99 = ordered[min(len(ordered) - 1, round(0.99 * len(ordered)))]
        print(
            f"{path}: {len(times):,} answered, median {statistics.median(ordered) * 1e3:.0f} ms, "
            f"p99 {p99 * 1e3:.0f} ms, longest {ordered[-1] * 1e3:.0f} ms"
        )
        faults += [] if times else [f"no request to {path} was answered with 200"]
    print(
        f"server: {max(watched.memory) / 1e6:,.0f} MB at most, {watched.memory[-1] / 1e6:,.0f} MB at the end, "
        f"{watched.seconds():.1f} s of processor time"
    )
    await crowd.be_stuck_at_the_end()
    process.send_signal(signal.SIGTERM)
    try:
        status = await asyncio.to_thread(process.wait, PATIENCE)
    except subprocess.TimeoutExpired:
        return [*faults, "the server did not end"]
    return faults if status == 0 else [*faults, f"the server ended with status {status}"]


def random_model(path: Path) -> Path:
    """Save a model with random weights."""
    vocabulary, random = Vocabulary("".join(sorted(CHARACTERS))), np.random.default_rng(0)
    architecture = Architecture(vocabulary_size=vocabulary.size, embedding=16, hidden=(64,))
    shapes = architecture.parameter_shapes().items()
    parameters = {name: random.normal(0, 0.1, shape).astype(np.float32) for name, shape in shapes}
    ModelFile(architecture, vocabulary, parameters).save(path)
    return path


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--clients", type=int, default=8)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--model", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        model = options.model or random_model(Path(name) / "model.safetensors")
        limits = [word for option, value in LIMITS.items() for word in (f"--{option}", value)]
        command = [sys.executable, "-m", "nextchar", "serve", str(model), "--port", "0", *limits]
        log = Path(name) / "log"
        with log.open("wb") as file, subprocess.Popen(command, stderr=file) as process:
            try:
                while not (address := re.search(rb"http://\S+?:(\d+)/", log.read_bytes())):
                    if process.poll() is not None:
                        raise SystemExit(log.read_text())
                    sleep(0.05)
                    process.poll()
                faults = asyncio.run(test(int(address[1]), process, options))
            finally:
                process.kill()
        said = log.read_text(errors="replace")
    if "Traceback" in said or said.count("\n") > MOST_LINES:
        faults.append(f"the server wrote {said.count(chr(10)):,} lines, which end: {said[-3000:]}")
    for fault, count in Counter(faults).most_common(20):
        print(f"FAULT ({count} times): {fault}")
    print("no fault" if not faults else f"{len(faults)} faults")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
