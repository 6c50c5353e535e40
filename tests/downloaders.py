"""Downloaders for tests: no test uses the network."""

from __future__ import annotations

from pathlib import Path


class FakeDownloader:
    def __init__(self, data: bytes) -> None:
        self.data = data
        self.asked: list[str] = []

    def __call__(self, url: str, file: str, pooch: object) -> None:
        self.asked.append(url)
        Path(file).write_bytes(self.data)


def refuse(url: str, file: str, pooch: object) -> None:
    raise OSError("no network")
