"""Models so small that the probability of every entry of a list can be computed one by one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from itertools import product
from typing import Any

import numpy as np

from nextchar.model.language_model import LanguageModel
from nextchar.model.sampling import next_distribution
from nextchar.networks.architecture import Network
from nextchar.settings import SamplingSettings, TokenKind
from nextchar.text.tokenizer import Tokenizer
from nextchar.text.vocabulary import Vocabulary
from nextchar.text.word_tokenizer import WordTokenizer
from tests.small_networks import model_of_tokens, random_model
from tests.token_kinds import tokens_of_every_kind

ALPHABET = "\nabc"
LONGEST = 6
MODEL = random_model(ALPHABET, seed=5)
CHARACTERS: Mapping[TokenKind, str] = {"bytes": "aé가", "jamo": "a가간나난", "words": "ab "}
"""The characters of entries of models of other kinds of tokens."""


def probabilities(
    network: Network[Any] | None = None, longest: int = LONGEST, *, masked: bool = False, **sampling: Any
) -> dict[str, float]:
    """Return the probability of each entry of at most ``longest`` characters.

    Args:
        network: that of `MODEL` unless given.
        longest: characters.
        masked: cut what is left after characters have been forbidden, as a list does, and go on with the probability of
            what was allowed: no empty entries, and nothing but the line end after ``longest`` characters.
        **sampling: options of `SamplingSettings`; temperature 1 unless given.
    """
    network = network or MODEL.network
    settings = SamplingSettings(**{"temperature": 1.0, **sampling})
    plain = SamplingSettings(temperature=settings.temperature)
    vocabulary, line_end, never = MODEL.vocabulary, MODEL.start_id, MODEL.vocabulary.never_drawn
    letters = vocabulary.encode(ALPHABET[1:]).tolist()
    found: dict[str, float] = {}
    open_entries: list[tuple[str, float]] = [("", 1.0)]
    for length in range(longest + 1):
        ids = np.array([[line_end, *vocabulary.encode(text).tolist()] for text, _ in open_entries])
        logits = network.forward(ids, network.initial_state(len(ids)))[0][:, -1]  # (B, V)
        forbidden = (line_end,) if length == 0 else tuple(letters) if length == longest else ()
        following = next_distribution(logits, settings, (*never, *(forbidden if masked else ())))  # (B, V)
        if masked:
            following *= 1 - next_distribution(logits, plain, never)[:, list(forbidden)].sum(-1, keepdims=True)
        found |= {text: p * row[line_end] for (text, p), row in zip(open_entries, following.tolist(), strict=True)}
        open_entries = [
            (text + character, p * row[letter])
            for (text, p), row in zip(open_entries, following.tolist(), strict=True)
            for character, letter in zip(ALPHABET[1:], letters, strict=True)
        ]
    return found


def conditioned(all_entries: dict[str, float], allowed: set[str]) -> dict[str, float]:
    """Return the distribution of the ``allowed`` entries alone."""
    total = sum(all_entries[entry] for entry in allowed)
    return {entry: all_entries[entry] / total for entry in allowed}


def model_of_list(kind: TokenKind, others: str = "") -> LanguageModel:
    """Return a model whose tokens are of ``kind`` and spell `CHARACTERS` and ``others``; other bytes are improbable.

    Of words, some are tokens: so an entry has several spellings.
    """
    characters = "".join({"\n", *CHARACTERS[kind], *others})
    if kind == "words":
        tokens: Tokenizer = WordTokenizer(Vocabulary("".join(sorted(characters))), ["ab", "ba", "bab", " a"])
    else:
        tokens = tokens_of_every_kind(characters)[kind]
    file = model_of_tokens(tokens, seed=5).file
    bias = np.full(tokens.size, -8, np.float32)
    bias[tokens.encode(characters)] = 0
    if kind == "words":
        bias[:] = 0
    return LanguageModel(replace(file, parameters={**file.parameters, "output.bias": bias}))


def spellings(tokens: Tokenizer, text: str) -> list[tuple[int, ...]]:
    """Return all sequences of ids that are ``text``."""
    if tokens.kind != "words":
        return [tuple(tokens.encode(text).tolist())]
    if not text:
        return [()]
    of_tokens = enumerate(tokens.token_texts(range(tokens.size)))
    return [
        (id_, *rest)
        for id_, token in of_tokens
        if text.startswith(token)
        for rest in spellings(tokens, text[len(token) :])
    ]


def entry_probabilities(
    model: LanguageModel, characters: str, longest: int, temperature: float = 1.0
) -> dict[str, float]:
    """Return the probability of each entry of one to ``longest`` of ``characters``: of all its spellings together."""
    tokens, settings, found = model.vocabulary, SamplingSettings(temperature=temperature), dict[str, float]()
    for entry in ("".join(each) for length in range(1, longest + 1) for each in product(characters, repeat=length)):
        found[entry] = 0.0
        for spelling in spellings(tokens, entry):
            ids = np.array([model.start_id, *spelling, model.start_id])
            logits, _ = model.network.forward(ids[None, :-1], model.network.initial_state(1))  # (1, T, V)
            following = next_distribution(logits[0], settings, tokens.never_drawn)  # (T, V)
            found[entry] += float(following[np.arange(len(ids) - 1), ids[1:]].prod())
    return found
