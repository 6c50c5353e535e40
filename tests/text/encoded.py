"""Texts to encode, and how tests do it."""

from __future__ import annotations

from pathlib import Path

from nextchar.settings import TextSettings
from nextchar.text.corpus import Corpus
from nextchar.text.corpus_cache import encode_corpus
from nextchar.text.files import open_text
from nextchar.text.text_file import TextFile

SONG = "동해물과 백두산이 마르고 닳도록\n하느님이 보우하사 우리나라 만세.\n"
NAMES = "".join(f"name {number}\n" for number in range(300))


def text_file(folder: Path, text: str, name: str = "text.txt") -> TextFile:
    path = folder / name
    path.write_bytes(text.encode())
    return open_text(path)


def encode(folder: Path, text: str, *, unknown_symbol: bool = True, **options: object) -> Corpus:
    return encode_corpus(
        [text_file(folder, text)],
        TextSettings.model_validate(options),
        cache_folder=folder / "cache",
        unknown_symbol=unknown_symbol,
    )
