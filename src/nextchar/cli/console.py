"""What the commands share on their way to people and programs: standard output, standard error, JSON."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Generator, Iterable, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nextchar.decoding import Errors
from nextchar.errors import TextError

if TYPE_CHECKING:
    from rich.console import Console

    from nextchar.catalog import Resolved
    from nextchar.language_model import LanguageModel


def error_console() -> Console:
    """Return the console of standard error, for progress, notes and errors; colours on a terminal alone."""
    from rich.console import Console

    return Console(file=sys.stderr, stderr=True, soft_wrap=True, highlight=False)


def note(message: str) -> None:
    """Tell something on standard error."""
    print(f"nextchar: {message}", file=sys.stderr)


@contextmanager
def note_if_slow(message: str, seconds: float = 1.5) -> Generator[None]:
    """Tell ``message`` if what is done inside takes longer than ``seconds``."""
    from threading import Timer

    timer = Timer(seconds, note, (message,))
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def make_ready(model: LanguageModel, characters: int) -> None:
    """Load what writing or scoring so many ``characters`` takes, and say so where it has to be compiled."""
    with note_if_slow("compiling the inner loops, which happens once"):
        model.network_for(characters)


def note_carried(model: LanguageModel) -> None:
    """Tell what --carry-state does to ``model``."""
    length = model.file.architecture.context_length
    if length is None:
        note("--carry-state changes nothing: this model carries its state anyway")
    else:
        note(f"the model was trained to read {length} characters; carrying its state on, its probabilities are others")


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


def as_typed(argument: str) -> str:
    """Return ``argument`` as it was typed: in the locale C, Python leaves bytes beyond ASCII as surrogates."""
    undecoded = any("\udc80" <= character <= "\udcff" for character in argument)
    return os.fsencode(argument).decode("utf-8", "replace") if undecoded else argument


def read_standard_input() -> str:
    """Return all of standard input, which is text in the encoding of the terminal or in UTF-8.

    Raises:
        TextError: it is neither.
    """
    content = sys.stdin.buffer.read()
    for encoding in (sys.stdin.encoding, "utf-8"):
        with suppress(UnicodeDecodeError):
            return content.decode(encoding).replace("\r\n", "\n")
    raise TextError(f"Standard input is neither {sys.stdin.encoding} nor UTF-8: convert it to UTF-8.")


def print_facts(facts: Iterable[tuple[str, object]], width: int = 0) -> None:
    """Print names and values in two columns on standard output; what is None is left out."""
    rows = [(name, str(value)) for name, value in facts if value is not None]
    width = max(width, *(len(name) for name, _ in rows))
    for name, value in rows:
        lines = value.splitlines() or [""]
        print(f"{name:<{width}}  " + f"\n{' ' * (width + 2)}".join(lines))


def shell_quoted(path: Path) -> str:
    """Return ``path`` as a shell takes it."""
    import shlex

    return shlex.quote(str(path))


def resolve(names: Sequence[str], encoding: str | None, errors: Errors = "strict") -> Resolved:
    """Return the texts that ``names`` stand for, and tell what was found out on the way."""
    from nextchar import catalog
    from nextchar.corpus import default_cache_folder

    stdin = sys.stdin.buffer if "-" in names else None
    found = catalog.resolve(names, encoding=encoding, errors=errors, stdin=stdin, cache=default_cache_folder())
    for message in found.notes:
        note(message)
    return found
