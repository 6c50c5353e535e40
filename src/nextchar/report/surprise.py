"""A text coloured by surprise as one HTML file that needs no other: the page's view of it."""

from __future__ import annotations

import string
from collections.abc import Iterable
from html import escape
from importlib.resources import files
from typing import Any

from nextchar.model.evaluation import Evaluation
from nextchar.model.surprise import Surprises
from nextchar.page import coloured_scripts, inline_element, json_element, module_as_script, page_style
from nextchar.report.curves import script_policy
from nextchar.settings import TokenKind

ALTERNATIVES = 5
"""Alternatives that the page shows for each character, as many as the page of a server."""


def surprise_page(pieces: Iterable[Surprises], evaluation: Evaluation, *, text: str, model: str) -> str:
    """Return a page that shows a text coloured by surprise.

    Args:
        pieces: the text to show, read with `ALTERNATIVES`; it may be the beginning of a longer one.
        evaluation: of the whole text.
        text: its name.
        model: the name of the model.
    """
    folder = files("nextchar.report")
    drawing = module_as_script((folder / "draw_surprise.js").read_text(encoding="utf-8"))
    script = inline_element("script", coloured_scripts() + drawing)
    whole = {"characters": evaluation.characters, "bits_per_character": evaluation.bits_per_character}
    return string.Template((folder / "surprise.html").read_text(encoding="utf-8")).substitute(
        policy=script_policy(script),
        title=escape(text),
        style=inline_element("style", page_style()),
        scores=json_element("scores", {"scores": _scores(pieces), "whole": whole, "model": model}),
        script=script,
    )


def _scores(pieces: Iterable[Surprises]) -> dict[str, Any]:
    """Return the scores of a text in about the form of /api/score, with short numbers."""
    characters: list[str] = []
    count = 0
    bits: list[float] = []
    unknown: list[bool] = []
    expected: list[tuple[list[str], list[float]]] = []
    tokens: TokenKind = "characters"
    for piece in pieces:
        tokens = piece.vocabulary.kind
        characters += piece.tokens
        count += int(piece.logprobs.lengths.sum())
        bits += piece.bits.tolist()
        unknown += piece.unknown.tolist()
        for number in range(len(piece.tokens)):
            pairs = piece.expected(number)
            expected.append(([text for text, _ in pairs], [float(f"{share:.4g}") for _, share in pairs]))
    return {
        "bits_per_character": sum(bits) / count,
        "tokens": tokens,
        "character_count": count,
        "characters": characters,
        "bits": [round(value, 3) for value in bits],
        "unknown": unknown,
        "expected": expected,
    }
