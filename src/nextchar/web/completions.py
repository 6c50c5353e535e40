"""The texts of a request to /v1/completions: chunk by chunk, or joined."""

from __future__ import annotations

import math
import secrets
import time
from collections.abc import Generator, Iterator
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Any

from nextchar.model.continuation import CHUNK, Continuation, Prompt
from nextchar.model.logprobs import LogprobReader, PieceLogprobs
from nextchar.randomness import choose_seed
from nextchar.text.tokenizer import Tokenizer
from nextchar.web.model_registry import LoadedModel, ModelHandle
from nextchar.web.openai_schemas import CompletionBody
from nextchar.web.schemas import count_replacements
from nextchar.web.service import Service

Chunk = dict[str, Any]
"""A choice in the shape of OpenAI: index, text, logprobs, finish_reason."""


@dataclass
class Completions:
    """All texts of one request."""

    service: Service
    handle: ModelHandle
    body: CompletionBody
    id: str = field(default_factory=lambda: f"cmpl-{secrets.token_hex(12)}")
    created: int = field(default_factory=lambda: int(time.time()))
    replacements: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    written: int = 0
    loaded: LoadedModel | None = None

    def __post_init__(self) -> None:
        self.seed = choose_seed(self.body.seed)

    def chunks(self) -> Iterator[Chunk]:
        """Yield the texts in chunks, which may be empty; the last one of each text has its finish_reason."""
        self.loaded = self.handle.ready()
        model, body = self.loaded.model, self.body
        settings = body.sampling.model_copy(update={"seed": self.seed})
        for number, given in enumerate(body.prompt):
            first = number * body.n
            work = _chunk(first, "")
            prompt = model.fold_prompt(given, characters=settings.length)
            yield work
            for _ in prompt.read():
                yield work
            self.replacements += count_replacements(prompt.replacements)
            echoed = (yield from _echoed(prompt, body.logprobs, work)) if body.echo else []
            for index in range(first, first + body.n):
                yield from (_chunk(index, part, logprobs) for part, logprobs in echoed)
                logged = None if body.logprobs is None else _Logged.after(prompt, body.logprobs)
                yield from self._chunks_of(Continuation(prompt, settings, index), index, logged)

    def answer(self, choices: list[Chunk], *, usage: bool, **more: Any) -> dict[str, Any]:
        """Return a response, whole or part, with ``choices``."""
        assert self.loaded is not None, "writing has begun"
        return {
            "id": self.id,
            "object": "text_completion",
            "created": self.created,
            "model": self.handle.name,
            "system_fingerprint": self.loaded.fingerprint,
            "choices": choices,
            "usage": self._usage() if usage else None,
            **more,
        }

    def end(self) -> dict[str, Any]:
        """Return our extensions: the seed, and what the model did not know in the prompts."""
        return {"seed": self.seed, "replacements": self.replacements}

    def _chunks_of(self, text: Continuation, index: int, logged: _Logged | None) -> Iterator[Chunk]:
        for piece in self.service.counted(self.handle, text.steps()):
            self.written += len(piece)
            yield _chunk(index, piece, logged.read(piece) if logged and piece else None)
        yield _chunk(index, "", logged.read("", ends=True) if logged else None, _reason(text))

    def _usage(self) -> dict[str, int]:
        read = sum(map(len, self.body.prompt))
        return {"prompt_tokens": read, "completion_tokens": self.written, "total_tokens": read + self.written}


def _reason(text: Continuation) -> str | None:
    """Return why ``text`` ended, in OpenAI's words."""
    return "content_filter" if text.finish_reason == "max_copy" else text.finish_reason


def joined(chunks: list[Chunk]) -> list[Chunk]:
    """Return the choices that ``chunks`` are parts of, joined and in order."""
    whole: dict[int, Chunk] = {}
    for chunk in chunks:
        choice = whole.setdefault(chunk["index"], _chunk(chunk["index"], ""))
        choice["text"] += chunk["text"]
        choice["finish_reason"] = chunk["finish_reason"]
        if chunk["logprobs"] is not None:
            if choice["logprobs"] is None:
                choice["logprobs"] = {name: [] for name in chunk["logprobs"]}
            for name, values in chunk["logprobs"].items():
                choice["logprobs"][name] += values
    return [whole[index] for index in sorted(whole)]


def _chunk(index: int, text: str, logprobs: Chunk | None = None, finish_reason: str | None = None) -> Chunk:
    return {"index": index, "text": text, "logprobs": logprobs, "finish_reason": finish_reason}


def _echoed(
    prompt: Prompt, alternatives: int | None, work: Chunk
) -> Generator[Chunk, None, list[tuple[str, Chunk | None]]]:
    """Return the text of ``prompt`` in parts, with logprobs if requested; yield ``work`` in between."""
    text = prompt.text
    if alternatives is None:
        return [(_displayed(prompt, text), None)]
    logged, parts = _Logged.from_nothing(prompt, alternatives), list[tuple[str, Chunk | None]]()
    for first in range(0, len(text), CHUNK):
        part, ends = text[first : first + CHUNK], first + CHUNK >= len(text)
        parts.append((_displayed(prompt, part), logged.read(part, ends=ends)))
        yield work
    return parts


def _displayed(prompt: Prompt, text: str) -> str:
    """Return a part of the text of ``prompt`` to be displayed."""
    return prompt.vocabulary.displayed(text)


class _Logged:
    """Computes ln p of the tokens of a prompt or a continuation, in the shape of OpenAI.

    A character of several tokens counts as one.
    """

    def __init__(self, reader: LogprobReader, offset: int, begun: str = "") -> None:
        """Begin at the character number ``offset``. The first tokens repeat what the prompt has ``begun``."""
        self._reader, self._offset, self._repeated = reader, offset, len(begun)
        list(reader.read_text(begun, ends=False))  # it is held back until the token ends

    @classmethod
    def from_nothing(cls, prompt: Prompt, alternatives: int) -> _Logged:
        """Begin with the first token of ``prompt``, which nothing predicts."""
        return cls(LogprobReader(prompt.network, prompt.vocabulary, alternatives), 0)

    @classmethod
    def after(cls, prompt: Prompt, alternatives: int) -> _Logged:
        """Begin with the first token after ``prompt``, which has been read."""
        reader = LogprobReader(prompt.network, prompt.vocabulary, alternatives, prompt.logits, prompt.state)
        return cls(reader, len(_displayed(prompt, prompt.text)), prompt.begun)

    def read(self, text: str, *, ends: bool = False) -> Chunk | None:
        """Return the logprobs of the next ``text``; those of its last token follow when that ends. None if there are
        none yet."""
        rows: list[tuple[str, float | None, dict[str, float] | None]] = []
        for logprobs in self._reader.read_text(text, ends=ends):
            for token, probability, top in _rows(logprobs, self._reader.vocabulary):
                cut = token[self._repeated :]
                self._repeated = max(0, self._repeated - len(token))
                if cut:
                    rows.append((cut, probability, None if probability is None else {**top, cut: probability}))
        if not rows:
            return None
        tokens = [token for token, *_ in rows]
        offsets = list(accumulate(map(len, tokens), initial=self._offset))
        self._offset = offsets.pop()
        return {
            "tokens": tokens,
            "token_logprobs": [row[1] for row in rows],
            "top_logprobs": [row[2] for row in rows],
            "text_offset": offsets,
        }


def _rows(logprobs: PieceLogprobs, vocabulary: Tokenizer) -> Iterator[tuple[str, float | None, dict[str, float]]]:
    """Yield for each piece its text, its ln p, and those of the alternatives by their text; the first one of a prompt,
    which nothing predicts, has None and no alternatives."""
    chosen, others = logprobs.log_probabilities.tolist(), logprobs.alternative_log_probabilities.tolist()
    for token, probability, ids, shares in zip(logprobs.texts, chosen, logprobs.alternatives, others, strict=True):
        if math.isnan(probability):
            yield token, None, {}
        else:
            yield token, probability, dict(zip(vocabulary.token_texts(ids), shares, strict=True))
