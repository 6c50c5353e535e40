"""A log that is made up, the same for the same seed, and odd lines to plant in it."""

from __future__ import annotations

import string
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from random import Random

HOSTS = ("web-1", "web-2", "db-1", "cache-1", "worker-3")
USERS = ("alice", "bob", "carol", "dmitri", "eun-ji", "deploy")
PATHS = ("/", "/login", "/api/items", "/api/items/{}", "/static/app.js", "/static/style.css", "/search?q={}")
WORDS = ("lamp", "chair", "table", "shelf", "desk", "sofa", "clock", "mirror")
BEGIN = datetime(2026, 11, 28)


def lines_of_log(count: int, random: Random) -> Iterator[str]:
    """Yield ``count`` lines, of about 80 characters."""
    now = BEGIN
    for _ in range(count):
        now += timedelta(milliseconds=random.randint(5, 4000))
        stamp = f"{now:%Y-%m-%d %H:%M:%S}.{now.microsecond // 1000:03d}"
        yield f"{stamp} {random.choice(HOSTS)} {_message(random)}"


def _message(random: Random) -> str:
    address = f"10.0.{random.randint(0, 9)}.{random.randint(1, 254)}"
    path = random.choice(PATHS).format(random.choice(WORDS))
    status = random.choice((200, 200, 200, 200, 304, 404))
    return random.choice(
        (
            f"nginx: {address} GET {path} {status} {random.randint(200, 90_000)} bytes",
            f"nginx: {address} POST /api/items 201 {random.randint(200, 900)} bytes in {random.randint(3, 90)} ms",
            f"sshd[{random.randint(1000, 32_000)}]: Accepted publickey for {random.choice(USERS)} from {address}",
            f"app: INFO session opened for user {random.choice(USERS)} (id {random.randint(10_000, 99_999)})",
            f"app: WARNING slow query took {random.randint(500, 4000)} ms: select from {random.choice(WORDS)}s",
            f"postgres: checkpoint complete: wrote {random.randint(10, 900)} buffers in {random.randint(1, 30)} s",
            f"cron[{random.randint(1000, 32_000)}]: ({random.choice(USERS)}) CMD (/usr/bin/backup --all)",
        )
    )


def with_planted(count: int, planted: int) -> tuple[list[str], list[str]]:
    """Return ``count`` lines, ``planted`` of which have been changed, and how: the kind of each, "" where it is not."""
    random = Random(3)
    lines, kinds = list(lines_of_log(count, random)), [""] * count
    for number, at in enumerate(random.sample(range(count), planted)):
        kind = list(CHANGES)[number % len(CHANGES)]
        lines[at], kinds[at] = CHANGES[kind](lines[at], random), kind
    return lines, kinds


def _injected(line: str, random: Random) -> str:
    return f"{line.rsplit(' ', 1)[0]} /login?user=admin'--{random.randint(1, 99)}"


def _misspelt(line: str, random: Random) -> str:
    """Change a letter of the message."""
    letters = [at for at in range(30, len(line)) if line[at] in string.ascii_lowercase]
    at = random.choice(letters)
    return line[:at] + random.choice(string.ascii_lowercase.replace(line[at], "")) + line[at + 1 :]


def _shuffled(line: str, random: Random) -> str:
    """Put the words of the message into another order."""
    date, hour, host, *words = line.split(" ")
    while (order := random.sample(words, len(words))) == words:
        pass
    return " ".join([date, hour, host, *order])


def _new(line: str, random: Random) -> str:
    """Say something that the log never says."""
    head = " ".join(line.split(" ")[:3])
    return f"{head} kernel: Out of memory: Killed process {random.randint(1000, 32_000)} (postgres)"


def _torn(line: str, random: Random) -> str:
    """End the line early, with the beginning of another."""
    return line[: random.randint(30, len(line) - 5)] + line[: random.randint(5, 20)]


CHANGES: dict[str, Callable[[str, Random], str]] = {
    "injected": _injected,
    "misspelt": _misspelt,
    "new message": _new,
    "shuffled": _shuffled,
    "torn": _torn,
}
