"""Pieces of the corpora, learned as prose from nothing."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Any

from nextchar import train
from nextchar.model.provenance import Provenance


def learned(file: str, first: int, length: int | None, **options: Any) -> Provenance:
    """Return what a model reaches that learned ``length`` characters (None: all) from ``first`` on of a ``file`` in
    NEXTCHAR_CORPORA, with ``options`` of `nextchar.train`."""
    whole = Path(os.environ["NEXTCHAR_CORPORA"], file).read_text("utf-8")
    with tempfile.TemporaryDirectory() as folder:
        text = Path(folder, "text.txt")
        text.write_text(whole[first:] if length is None else whole[first : first + length], "utf-8")
        return train(str(text), out=Path(folder, "run"), quiet=True, from_="none", lines=False, **options).provenance


def reached(facts: Provenance) -> str:
    """Return three columns of a table in Markdown: bits per character with the memory, of the network alone, and the
    seconds of training."""
    bits, network = facts.validation_bits_per_character, facts.network_bits_per_character
    return f"{bits:.3f} | {network:.3f} | {facts.training_seconds:.0f}"
