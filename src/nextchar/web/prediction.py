"""Responses of /api/distribution, /api/score and /api/who: the next character, the bits of texts, and its author."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nextchar.errors import TextError
from nextchar.model.authorship import Authors
from nextchar.model.batch_scoring import ROWS
from nextchar.model.continuation import CHUNK
from nextchar.model.language_model import LanguageModel
from nextchar.model.logprobs import LogprobReader, PieceLogprobs
from nextchar.model.sampling import entropy, next_distribution
from nextchar.model.scoring import Scorer, character_scores
from nextchar.settings import SamplingSettings
from nextchar.text.tokenizer import Tokenizer
from nextchar.web.responses import json_bytes
from nextchar.web.schemas import count_replacements

AS_IT_IS = SamplingSettings(temperature=1.0)


def distribution(
    model: LanguageModel, prompt: str, settings: SamplingSettings, limit: int | None
) -> Iterator[dict[str, Any] | None]:
    """Yield the distribution of the token after ``prompt`` at the end, and None after each step before.

    Where the prompt ends within a word of a model of words, it is that of the tokens which go on with it.

    Args:
        model: predicts the token.
        prompt: the text before it.
        settings: how the distribution is reweighted.
        limit: number of tokens in the response, most probable first; None is all.
    """
    folded = model.fold_prompt(prompt)
    yield from folded.read()
    logits = folded.next_logits()
    plain, reweighted = (next_distribution(logits, how) for how in (AS_IT_IS, settings))  # (V,)
    order = np.argsort(-plain, kind="stable")
    possible = order[np.isfinite(logits[order])]
    shown = possible[:limit]
    yield {
        "characters": model.vocabulary.token_texts(shown),
        "probabilities": plain[shown].tolist(),
        "reweighted": reweighted[shown].tolist(),
        "entropy": float(entropy(plain)),
        "reweighted_entropy": float(entropy(reweighted)),
        "possible": len(possible),
        "begun": folded.begun,
        "replacements": count_replacements(folded.replacements),
    }


def score(model: LanguageModel, text: str, alternatives: int, *, adapt: bool = False) -> Iterator[bytes]:
    """Yield the scores of the tokens of ``text`` as JSON at the end, and b"" after each step before; a character of
    several tokens is scored as one.

    Args:
        model: scores the text.
        text: at least one character.
        alternatives: given for each of them.
        adapt: whether the model learns from each character after it is scored.

    Raises:
        TextError: the text is empty.
    """
    if not text:
        raise TextError("text is empty: give at least one character to score.")
    read = model.as_trained(text)
    network = model.adaptive_network_for(len(read)) if adapt else model.network_for(len(read))
    reader = LogprobReader.after_start(network, model.vocabulary, alternatives)
    texts: list[str] = []
    bits: list[float] = []
    unknown: list[bool] = []
    # As JSON: Python objects, twenty for each character, would take ten times the memory.
    others: list[bytes] = []
    for logprobs in reader.read_text(read):
        texts += logprobs.texts
        bits += (-logprobs.log_probabilities / np.log(2)).tolist()
        unknown += logprobs.unknown.tolist()
        others.append(json_bytes(list(_alternatives(logprobs, model.vocabulary)))[1:-1])
        yield b""
    answer = json_bytes(
        {
            "bits_per_character": float(np.sum(bits)) / len(read),
            "character_count": len(read),
            "characters": texts,
            "bits": bits,
            "unknown": unknown,
        }
    )
    yield answer[:-1] + b',"alternatives":[' + b",".join(others) + b"]}"


def scores(model: LanguageModel, texts: Sequence[str]) -> Iterator[bytes]:
    """Yield the scores of ``texts``, each by itself, as JSON at the end, and b"" after each step before."""
    found: list[dict[str, Any]] = []
    for first in range(0, len(texts), ROWS):
        some = texts[first : first + ROWS]
        for score in model.text_scores(some, threads=1):
            character = score.surprise_character and model.vocabulary.displayed(score.surprise_character)
            found.append({**score._asdict(), "surprise_character": character})
        yield b""
    yield json_bytes({"scores": found})


def _alternatives(logprobs: PieceLogprobs, vocabulary: Tokenizer) -> Iterator[list[dict[str, Any]]]:
    """Yield the alternatives of each piece, with their probabilities."""
    probabilities = np.exp(logprobs.alternative_log_probabilities)  # (P, K)
    for row, shares in zip(logprobs.alternatives, probabilities.tolist(), strict=True):
        characters = vocabulary.token_texts(row)
        yield [
            {"character": character, "probability": share} for character, share in zip(characters, shares, strict=True)
        ]


def attribute(models: Mapping[str, LanguageModel], text: str) -> Iterator[dict[str, Any] | None]:
    """Yield which of ``models`` ``text`` is most like at the end, and None after each step before.

    Raises:
        TextError: the text is empty.
        UsageError: some of the models learned from lower case and others did not.
    """
    authors = Authors(models)
    if not text:
        raise TextError("text is empty: give at least one character.")
    surprises: list[NDArray[np.float64]] = []
    for model in models.values():
        ids = model.vocabulary.encode(model.as_trained(text))  # (T,)
        scorer = Scorer(model.network_for(len(ids)), model.start_id, None)
        pieces: list[NDArray[np.float64]] = []
        for first in range(0, len(ids), CHUNK):
            pieces.append(-character_scores(scorer, ids[first : first + CHUNK], model.vocabulary))
            yield None
        surprises.append(np.concatenate(pieces))
    yield authors.from_surprises(text, surprises).as_json()
