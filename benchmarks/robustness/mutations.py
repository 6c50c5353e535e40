"""Files as damage, an older program or a curious editor leaves them: seeded mutations of bytes and of JSON.

The same content and the same `Random` give the same mutation, so a seed identifies a failure.
"""

from __future__ import annotations

import copy
import json
import math
from collections.abc import Callable, Iterator
from random import Random
from typing import Any

DEEP = "\ue000 nested deeply \ue000"
"""Stands in a value for nesting that `json.dumps` itself could not write; `json_bytes` puts it in."""
DEPTH = 100_000

Place = tuple[str | int, ...]
"""Keys and indices that lead to a value; empty for the whole value."""

ODD_VALUES: tuple[Any, ...] = (
    None, True, False, 0, 1, -1, 2, 7, 0.5, -0.5, -0.0, 1.0, 1e-300, 1e300, math.nan, math.inf, -math.inf,
    2**31, 2**32, 2**53 + 1, 2**63 - 1, 2**63, 2**64, -(2**63), 10**9, 10**400, 1e9,
    "", " ", "0", "1", "-1", "1e9", "nan", "true", "a", "가", "\0", "\n", "\ud800", "\U0010ffff", "../..", "/",
    "x" * 100_000,
    [], [0], [None], [[]], [1, "a"], [1e9] * 9, ["a"] * 10_000, {}, {"": None}, {"a": {"b": 1}}, DEEP,
)  # fmt: skip
"""What replaces an entry, or is put beside it."""

ODD_KEYS = ("", "x", "format", "__class__", "\ud800", "k" * 10_000)


def mutated_bytes(content: bytes, random: Random) -> bytes:
    """Return ``content`` with one to three of its parts changed; two flips may cancel each other."""
    for _ in range(random.choice((1, 1, 1, 2, 3))):
        content = random.choice(BYTE_MUTATIONS)(content, random)
    return content


def mutated_json(value: Any, random: Random) -> Any:
    """Return a copy of ``value`` with one entry replaced, removed or added; the whole value counts as one entry.

    Args:
        value: anything that `json.loads` returns.
        random: chooses the entry and its replacement.

    Returns:
        What `json_bytes` can write, which is more than `json.dumps` can.
    """
    value = copy.deepcopy(value)
    place = random.choice(list(places(value)))
    if not place:
        return copy.deepcopy(random.choice(ODD_VALUES))
    holder, key = value, place[-1]
    for step in place[:-1]:
        holder = holder[step]
    kind = random.choice(("replace", "replace", "replace", "change", "remove", "add", "exchange"))
    if kind == "replace":
        holder[key] = copy.deepcopy(random.choice(ODD_VALUES))
    elif kind == "change":
        holder[key] = _changed(holder[key], random)
    elif kind == "remove":
        del holder[key]
    elif kind == "add":
        _add(holder, key, random)
    else:
        other = random.choice(list(holder) if isinstance(holder, dict) else range(len(holder)))
        holder[key], holder[other] = holder[other], holder[key]
    return value


def json_bytes(value: Any) -> bytes:
    """Return ``value`` as JSON, with nesting of `DEPTH` wherever `DEEP` stands."""
    return json.dumps(value).replace(json.dumps(DEEP), "[" * DEPTH + "]" * DEPTH).encode()


def places(value: Any, place: Place = ()) -> Iterator[Place]:
    """Yield the places of all values inside ``value``, itself first."""
    yield place
    if isinstance(value, dict):
        for key in value:
            yield from places(value[key], (*place, key))
    elif isinstance(value, list):
        for index, held in enumerate(value):
            yield from places(held, (*place, index))


def _changed(value: Any, random: Random) -> Any:
    """Return something like ``value``, as a slip of an editor leaves it."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, int | float):
        return random.choice((value + 1, value - 1, -value, value * 2, value * 1000, value / 2, str(value), [value]))
    if isinstance(value, str):
        return random.choice((value[:-1], value + "x", value.upper(), value[::-1], value * 50, [value]))
    if isinstance(value, list):
        return random.choice((value[:-1], value * 2, value[::-1], {str(at): held for at, held in enumerate(value)}))
    if isinstance(value, dict):
        return random.choice((list(value), list(value.values()), dict.fromkeys(value), [value]))
    return 0


def _add(holder: Any, key: str | int, random: Random) -> None:
    """Put one more entry into ``holder``: an odd one, or the one at ``key`` again."""
    entry = copy.deepcopy(random.choice((holder[key], random.choice(ODD_VALUES))))
    if isinstance(holder, dict):
        holder[random.choice((*ODD_KEYS, f"{key}x", str(key)[:-1]))] = entry
    else:
        holder.insert(random.randint(0, len(holder)), entry)


def _span(content: bytes, random: Random) -> tuple[int, int]:
    """Return start and end of a part of ``content``, usually short, sometimes of any length."""
    start = random.randint(0, len(content))
    longest = random.choice((1, 1, 8, 64, 4096, len(content)))
    return start, min(len(content), start + random.randint(1, max(1, longest)))


def _flip(content: bytes, random: Random) -> bytes:
    if not content:
        return content
    changed = bytearray(content)
    # Half of the flips fall into the first bytes, where most formats have their lengths and names.
    end = len(content) if random.random() < 0.5 else min(len(content), 1024)
    changed[random.randrange(end)] ^= 1 << random.randrange(8)
    return bytes(changed)


def _cut(content: bytes, random: Random) -> bytes:
    return content[: random.randint(0, len(content))]


def _remove(content: bytes, random: Random) -> bytes:
    start, end = _span(content, random)
    return content[:start] + content[end:]


def _insert(content: bytes, random: Random) -> bytes:
    start = random.randint(0, len(content))
    return content[:start] + random.randbytes(random.choice((1, 2, 8, 64, 1000))) + content[start:]


def _duplicate(content: bytes, random: Random) -> bytes:
    start, end = _span(content, random)
    return content[:end] + content[start:end] + content[end:]


def _zero(content: bytes, random: Random) -> bytes:
    start, end = _span(content, random)
    return content[:start] + bytes(end - start) + content[end:]


def _overwrite(content: bytes, random: Random) -> bytes:
    start, end = _span(content, random)
    return content[:start] + random.randbytes(end - start) + content[end:]


def _extend(content: bytes, random: Random) -> bytes:
    return content + random.choice((b"\0", b"\n", b"{", random.randbytes(100), bytes(10_000), content))


BYTE_MUTATIONS: tuple[Callable[[bytes, Random], bytes], ...] = (
    _flip, _flip, _cut, _remove, _insert, _duplicate, _zero, _overwrite, _extend,
)  # fmt: skip
"""Ways of changing bytes, each as likely as often it is listed."""
