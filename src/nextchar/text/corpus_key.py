"""The name of an encoded text in the cache: a hash of its content and of every option that changes the result."""

from __future__ import annotations

import hashlib
import json
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from nextchar.settings import TextSettings
from nextchar.text.content import Content, Stamp
from nextchar.text.text_file import TextFile
from nextchar.text.vocabulary import Inherited

FORMAT_VERSION = 3
"""Format of the entries of the cache."""


@dataclass(frozen=True)
class Source:
    """The texts to encode."""

    key: str
    """Name of the cache entry of the result."""
    former_key: str | None
    """Name of the same result in format 2."""
    content_sha256: str
    bytes: int
    stamps: tuple[Stamp, ...]
    """Size and time of each file when it was first read, to detect changes."""


def options_of(
    texts: Sequence[TextFile],
    contents: Sequence[Content],
    settings: TextSettings,
    *,
    unknown_symbol: bool,
    inherited: Inherited | None,
) -> dict[str, Any]:
    """Return everything that changes the result, but for the content of the texts and how wrong bytes are read."""
    options: dict[str, Any] = {
        "lengths": [content.bytes for content in contents],
        "encodings": [text.encoding for text in texts],
        "lowercase": unicodedata.unidata_version if settings.lowercase else None,
        "validation": settings.validation,
        "min_count": settings.min_count,
        "unknown_symbol": unknown_symbol,
    }
    # Only where they change something, so that the keys of other texts stay as they were.
    if inherited is not None:
        options.update(inherited.options())
    if settings.boundary != "line":
        options["boundary"] = settings.boundary
    if settings.lines:
        options["lines"] = settings.repeated
    if settings.token_kind != "characters":
        options["tokens"] = settings.token_kind
        options["vocabulary_size"] = settings.vocabulary_size
    if settings.normalize is not None:
        options["normalize"] = [settings.normalize, unicodedata.unidata_version]
    sections = [[section.characters for section in content.sections] for content in contents]
    return {**options, "sections": sections} if any(sections) else options


def identify(texts: Sequence[TextFile], contents: Sequence[Content], sha256: str, options: dict[str, Any]) -> Source:
    """Return what identifies ``texts``, whose bytes together have the hash ``sha256``, encoded with ``options``."""
    errors = [text.errors for text in texts if text.replaced]
    options = {**options, "content": sha256}
    key = key_of({**options, "format": FORMAT_VERSION, "errors": errors})
    # Format 2 held out the same characters of one text with a given share, and other characters of several texts.
    is_same = len(texts) == 1 and options["validation"] is not None and not errors
    former = key_of({**options, "format": 2}) if is_same else None
    return Source(
        key, former, sha256, sum(content.bytes for content in contents), tuple(content.stamp for content in contents)
    )


def key_of(options: dict[str, Any]) -> str:
    """Return the name of the entry that is made with ``options``."""
    return hashlib.sha256(json.dumps(options, sort_keys=True).encode()).hexdigest()[:32]
