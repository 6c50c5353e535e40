"""The HTML file that a command writes: its name is checked before the work, and it is written at its end."""

from __future__ import annotations

from pathlib import Path

from nextchar.cli.console import note
from nextchar.errors import UsageError

SUFFIXES = {".html", ".htm"}


def check_html_name(path: Path | None) -> None:
    """Check that a page can have this name, so that no mistyped option overwrites a model or a text.

    Raises:
        UsageError: it does not end in .html, or its folder is missing.
    """
    if path is None:
        return
    if path.suffix.lower() not in SUFFIXES:
        raise UsageError(f"--html writes a page, so {path} should end in .html.")
    if not path.parent.is_dir():
        raise UsageError(f"--html {path}: there is no folder {path.parent}. Make it first, or choose another one.")


def write_html(path: Path, page: str) -> None:
    """Write ``page`` to ``path``, with a note that says where it is.

    Raises:
        OSError: it cannot be written.
    """
    from nextchar.files.atomic_file import write_atomically

    write_atomically(path, page.encode("utf-8", "replace"))
    note("page", str(path))
