"""What the commands share on their way to people and programs: standard output, standard error, JSON."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from rich.console import Console


def error_console() -> Console:
    """Return the console of standard error, for progress, notes and errors; colours on a terminal alone."""
    return Console(file=sys.stderr, stderr=True, soft_wrap=True, highlight=False)


def note(message: str) -> None:
    """Tell something on standard error."""
    print(f"nextchar: {message}", file=sys.stderr)


def print_json(content: dict[str, Any]) -> None:
    """Print one JSON object as the last line of standard output, in ASCII, so that every encoding can carry it."""
    print(json.dumps(content))


def write_text(pieces: Iterable[str]) -> None:
    """Write generated text on standard output as it comes, and say afterwards what its encoding could not show."""
    encoding = sys.stdout.encoding or "utf-8"
    lost: set[str] = set()
    for piece in pieces:
        sys.stdout.write(piece)
        sys.stdout.flush()
        if piece.encode(encoding, "ignore") == b"":
            lost.add(piece)
    if lost:
        note(
            f"the encoding of this terminal, {encoding}, lacks {len(lost)} of the characters written "
            f"({' '.join(sorted(f'U+{ord(c):04X}' for c in lost)[:5])}...), shown as ?: set PYTHONIOENCODING=utf-8"
        )


def print_facts(facts: Iterable[tuple[str, object]]) -> None:
    """Print names and values in two columns on standard output."""
    rows = [(name, str(value)) for name, value in facts if value is not None]
    width = max(len(name) for name, _ in rows)
    for name, value in rows:
        lines = value.splitlines() or [""]
        print(f"{name:<{width}}  " + f"\n{' ' * (width + 2)}".join(lines))


def shell_quoted(path: Path) -> str:
    """Return ``path`` as a shell takes it."""
    import shlex

    return shlex.quote(str(path))
