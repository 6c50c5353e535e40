"""The texts that a request to /v1/completions asks for, chunk by chunk, and their sum."""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from nextchar.model.language_model import LanguageModel
from nextchar.text.vocabulary import Vocabulary
from nextchar.web.completion_bodies import CompletionBody
from nextchar.web.continuation import CHUNK, SEED_BITS, Continuation
from nextchar.web.prediction import Foreseen, Reader
from nextchar.web.service import Service
from nextchar.web.shelf import Edition, ServedModel

Chunk = dict[str, Any]
"""A choice in the shape of OpenAI: index, text, logprobs, finish_reason."""


@dataclass
class Completions:
    """All texts of one request, one after another."""

    service: Service
    served: ServedModel
    body: CompletionBody
    id: str = field(default_factory=lambda: f"cmpl-{secrets.token_hex(12)}")
    created: int = field(default_factory=lambda: int(time.time()))
    replacements: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    written: int = 0
    edition: Edition | None = None

    def __post_init__(self) -> None:
        seed = self.body.seed
        self.seed = secrets.randbits(SEED_BITS) if seed is None else seed

    def chunks(self) -> Iterator[Chunk]:
        """Yield what is written; the text of a chunk may be empty, its finish_reason stands in the last of each."""
        self.edition = self.served.ready()
        settings = self.body.sampling.model_copy(update={"seed": self.seed})
        for number, prompt in enumerate(self.body.prompt):
            for index in range(number * self.body.n, (number + 1) * self.body.n):
                text = Continuation(self.edition.model, prompt, settings, index)
                yield from self._chunks_of(text, index)
                if index == number * self.body.n:
                    self.replacements += text.replacements

    def answer(self, choices: list[Chunk], *, usage: bool, **more: Any) -> dict[str, Any]:
        """Return an answer, whole or part, that holds ``choices``."""
        assert self.edition is not None, "the texts are being written"
        return {
            "id": self.id,
            "object": "text_completion",
            "created": self.created,
            "model": self.served.name,
            "system_fingerprint": self.edition.fingerprint,
            "choices": choices,
            "usage": self._usage() if usage else None,
            **more,
        }

    def end(self) -> dict[str, Any]:
        """Return what clients of OpenAI do not ask for, and ours may: the seed, and what was not known of prompts."""
        return {"seed": self.seed, "replacements": self.replacements}

    def _chunks_of(self, text: Continuation, index: int) -> Iterator[Chunk]:
        pieces = self.service.counted(self.served, text.pieces())
        yield _chunk(index, next(pieces))  # from here on, the prompt as it is read is known
        logged = None if self.body.logprobs is None else _Logged(text.model, self.body.logprobs)
        if self.body.echo or logged is not None:
            for part, logprobs in _prompt_parts(text, logged):
                yield _chunk(index, part, logprobs) if self.body.echo else _chunk(index, "")
        for piece in pieces:
            self.written += len(piece)
            yield _chunk(index, piece, logged.read(piece) if logged and piece else None)
        yield _chunk(index, "", finish_reason=text.finish_reason)

    def _usage(self) -> dict[str, int]:
        read = sum(map(len, self.body.prompt))
        return {"prompt_tokens": read, "completion_tokens": self.written, "total_tokens": read + self.written}


def joined(chunks: list[Chunk]) -> list[Chunk]:
    """Return the choices that ``chunks`` are parts of, each whole, in order."""
    whole: dict[int, Chunk] = {}
    for chunk in chunks:
        choice = whole.setdefault(chunk["index"], _chunk(chunk["index"], ""))
        choice["text"] += chunk["text"]
        choice["finish_reason"] = chunk["finish_reason"]
        if chunk["logprobs"] is not None:
            known: Chunk = choice["logprobs"] or {}
            choice["logprobs"] = {name: known.get(name, []) + values for name, values in chunk["logprobs"].items()}
    return [whole[index] for index in sorted(whole)]


def _chunk(index: int, text: str, logprobs: Chunk | None = None, finish_reason: str | None = None) -> Chunk:
    return {"index": index, "text": text, "logprobs": logprobs, "finish_reason": finish_reason}


def _prompt_parts(text: Continuation, logged: _Logged | None) -> Iterator[tuple[str, Chunk | None]]:
    """Yield the prompt part by part, with its logprobs where they are asked for."""
    if logged is None:
        yield text.prompt, None
        return
    for first in range(0, max(1, len(text.prompt)), CHUNK):
        part = text.prompt[first : first + CHUNK]
        yield part, logged.read(part) if part else logged.begin()


class _Logged:
    """Tells ln p of the characters of a prompt, and of the text after it, in the shape of OpenAI."""

    def __init__(self, model: LanguageModel, alternatives: int) -> None:
        self._model, self._reader = model, Reader(model, alternatives)
        self._offset, self._begun = 0, False

    def begin(self) -> None:
        """Begin without a prompt: the first character is predicted from what models are told to begin with."""
        self._begun = True

    def read(self, text: str) -> Chunk:
        """Return the logprobs of the next ``text``, at least one character."""
        ids = self._model.prompt_ids(text)
        if self._begun:
            rows = _rows(self._reader.read(ids), self._model.vocabulary, text)
        else:  # nothing predicts the first character of a prompt
            self._reader.begin(ids[:1])
            later = _rows(self._reader.read(ids[1:]), self._model.vocabulary, text[1:]) if len(ids) > 1 else []
            rows = [(None, None), *later]
        self._begun = True
        first, self._offset = self._offset, self._offset + len(text)
        return {
            "tokens": list(text),
            "token_logprobs": [row[0] for row in rows],
            "top_logprobs": [row[1] for row in rows],
            "text_offset": list(range(first, self._offset)),
        }


def _rows(foreseen: Foreseen, vocabulary: Vocabulary, text: str) -> list[tuple[float | None, dict[str, float] | None]]:
    """Return ln p of each character of ``text``, and of the alternatives and itself by character."""
    chosen = foreseen.log_probabilities.tolist()
    others = foreseen.alternative_log_probabilities.tolist()
    return [
        (probability, {**dict(zip(vocabulary.decode(ids), shares, strict=True)), character: probability})
        for character, probability, ids, shares in zip(
            text, chosen, np.asarray(foreseen.alternatives), others, strict=True
        )
    ]
