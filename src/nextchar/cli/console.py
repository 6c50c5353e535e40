"""What the commands print: notes on standard error, facts, text and JSON on standard output."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Generator, Iterable, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nextchar.errors import TextError
from nextchar.runs.screen import NARROW, width_of, wrap_words

if TYPE_CHECKING:
    from nextchar.model.language_model import LanguageModel
    from nextchar.text.catalog import Resolved
    from nextchar.text.reading_options import ReadingOptions


def note(message: str, command: str = "") -> None:
    """Print ``message`` on standard error; a ``command`` to copy, or a path, is never broken into lines."""
    width = width_of(sys.stderr)
    lines = wrap_words(f"nextchar: {message}" + (f": {command}" if command else ""), width)
    if command and width is not None and "\n" in lines:
        lines = f"{wrap_words(f'nextchar: {message}:', width)}\n{command}"
    print(lines, file=sys.stderr)


@contextmanager
def note_if_slow(message: str, seconds: float = 1.5, when: Callable[[], bool] = lambda: True) -> Generator[None]:
    """Print ``message`` if the block takes longer than ``seconds``, as soon as ``when()`` is true."""
    from threading import Event, Thread

    done = Event()

    def watch() -> None:
        while not done.wait(seconds):
            if when():
                note(message)
                return

    Thread(target=watch, daemon=True).start()
    try:
        yield
    finally:
        done.set()


def note_compiling() -> AbstractContextManager[None]:
    """Print a note if the block compiles loops instead of loading them."""

    def is_compiling() -> bool:
        # Not imported here, so that a command without loops does not wait for numba.
        compilation = sys.modules.get("nextchar.networks.compilation")
        return compilation is not None and compilation.is_compiling()

    return note_if_slow("compiling the inner loops (only the first time)", when=is_compiling)


def make_ready(model: LanguageModel, characters: int) -> None:
    """Load the network for writing or scoring ``characters`` characters, with a note if it has to be compiled."""
    with note_compiling():
        model.network_for(characters)


def note_carried(model: LanguageModel) -> None:
    """Print what --carry-state changes for ``model``."""
    length = model.file.architecture.context_length
    if length is None:
        note("--carry-state has no effect: this model always carries its state")
    else:
        note(f"the model was trained to read {length} characters; with its state carried on, its probabilities differ")


def print_json(content: dict[str, Any]) -> None:
    """Print a JSON object as the last line of standard output, in ASCII, which every encoding has."""
    print(json.dumps(content))


def write_text(pieces: Iterable[str]) -> None:
    """Write text to standard output as it is generated, then note which characters its encoding lacks."""
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
            f"({' '.join(sorted(f'U+{ord(c):04X}' for c in lost)[:5])}...), which are shown as ?: set "
            "PYTHONIOENCODING=utf-8"
        )


def as_typed(argument: str) -> str:
    """Return ``argument`` as it was typed: in the locale C, Python turns bytes beyond ASCII into surrogates."""
    undecoded = any("\udc80" <= character <= "\udcff" for character in argument)
    return os.fsencode(argument).decode("utf-8", "replace") if undecoded else "".join(argument)


def read_standard_input() -> str:
    """Return all of standard input, a text in the encoding of the terminal or in UTF-8.

    Raises:
        TextError: it is neither.
    """
    content = sys.stdin.buffer.read()
    for encoding in (sys.stdin.encoding, "utf-8"):
        with suppress(UnicodeDecodeError):
            return content.decode(encoding).replace("\r\n", "\n")
    raise TextError(f"Standard input is neither {sys.stdin.encoding} nor UTF-8: convert it to UTF-8.")


def print_facts(facts: Iterable[tuple[str, object]], width: int = 0) -> None:
    """Print names and values in two columns on standard output; values that are None are left out."""
    rows = [(name, str(value)) for name, value in facts if value is not None]
    width = max(width, *(len(name) for name, _ in rows)) + 2
    columns = width_of(sys.stdout)
    for name, value in rows:
        print_beside(f"{name:<{width}}", value, columns)


def print_beside(name: str, value: str, columns: int | None) -> None:
    """Print ``value`` to the right of ``name``, or below it if fewer than `NARROW` of the ``columns`` are left."""
    if columns is None or columns >= len(name) + NARROW:
        print(name + wrap_words(value, columns, len(name)))
    else:
        print(*filter(None, [wrap_words(name.rstrip(), columns)]), f"  {wrap_words(value, columns, 2)}", sep="\n")


def shell_quoted(path: Path) -> str:
    """Return ``path`` quoted for a shell."""
    import shlex

    return shlex.quote(str(path))


def resolve(names: Sequence[str], options: ReadingOptions) -> Resolved:
    """Return the texts that ``names`` stand for, and print the notes about them."""
    from nextchar.text import catalog
    from nextchar.text.corpus_cache import default_cache_folder

    stdin = sys.stdin.buffer if "-" in names else None
    found = catalog.resolve(names, options, stdin=stdin, cache=default_cache_folder())
    for message in found.notes:
        note(message)
    return found
