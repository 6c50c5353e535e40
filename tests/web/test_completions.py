"""How the texts of a completion are made."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from nextchar.model.continuation import Prompt
from nextchar.text.vocabulary import Vocabulary


def test_a_prompt_is_read_and_folded_once(client: httpx.Client, monkeypatch: pytest.MonkeyPatch) -> None:
    folded, read = list[str](), list[str]()
    fold, read_on = Vocabulary.fold, Prompt.read

    def count_folded(self: Vocabulary, prompt: str, **options: bool) -> Any:
        folded.append(prompt)
        return fold(self, prompt, **options)

    def count_read(self: Prompt) -> Iterator[None]:
        for _ in read_on(self):
            read.append(self.text)
            yield

    monkeypatch.setattr(Vocabulary, "fold", count_folded)
    monkeypatch.setattr(Prompt, "read", count_read)
    body = {"prompt": ["hello", "the fox"], "n": 5, "max_tokens": 3, "echo": True, "logprobs": 2}
    assert len(client.post("v1/completions", json=body).json()["choices"]) == 10
    assert folded == read == ["hello", "the fox"]
