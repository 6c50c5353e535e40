"""The folder of `nextchar score --out`: a file of scores for each text, and a note of what they are scores of."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from nextchar.errors import UsageError
from nextchar.files.atomic_file import replacing, write_atomically
from nextchar.files.format_version import format_stamp
from nextchar.settings import flag

SETTINGS = "scores.json"
FORMAT = 1


class ScoreFolder:
    """A folder of scores, which several processes may fill at once: each file is there completely or not at all."""

    def __init__(self, folder: Path, texts: Sequence[str], suffix: str) -> None:
        """Name the files of the scores.

        Args:
            folder: the folder, made when it is first written to.
            texts: the paths of all texts, whichever process scores them. The files get the names of these, below the
                deepest folder that holds all of them, so that no two texts have the same.
            suffix: what is added to these names.
        """
        self._folder = folder
        absolute = {text: os.path.abspath(text) for text in texts}  # noqa: PTH100 (links stay: they are names)
        common = os.path.commonpath([Path(path).parent for path in absolute.values()])
        self._files = {text: folder / (os.path.relpath(path, common) + suffix) for text, path in absolute.items()}

    def file_of(self, text: str) -> Path:
        """Return the file for the scores of ``text``."""
        return self._files[text]

    def claim(self, settings: dict[str, Any]) -> None:
        """Note in the folder that its scores come from these ``settings``.

        Raises:
            UsageError: the scores that it has come from others.
        """
        path = self._folder / SETTINGS
        self._folder.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            write_atomically(path, json.dumps({**format_stamp(FORMAT), **settings}, indent=2).encode())
        found: dict[str, Any] = {}
        with suppress(ValueError):
            found = json.loads(path.read_bytes())
        differing = [name for name, value in settings.items() if found.get(name) != value]
        if differing:
            other = "another model" if differing[0] == "model" else f"another {flag(differing[0])}"
            raise UsageError(
                f"{self._folder} has scores made with {other} ({SETTINGS}): give another folder with --out, or remove "
                "this one."
            )

    def write(self, text: str, rows: Iterable[str]) -> None:
        """Write the ``rows`` of scores of ``text``; its file appears when all are written."""
        path = self.file_of(text)
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as file:
            for row in rows:
                file.write(row.encode())
