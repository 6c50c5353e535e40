"""How the texts of a completion are made."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from nextchar.text.vocabulary import Vocabulary
from nextchar.web.completions import ReadPrompt


def test_a_prompt_is_read_and_folded_once(client: httpx.Client, monkeypatch: pytest.MonkeyPatch) -> None:
    folded, read = list[str](), list[str]()
    fold, begin = Vocabulary.fold, ReadPrompt.begin

    def count_folded(self: Vocabulary, prompt: str, **options: bool) -> Any:
        folded.append(prompt)
        return fold(self, prompt, **options)

    def count_read(model: Any, given: str, *rest: Any) -> Any:
        read.append(given)
        return begin(model, given, *rest)

    monkeypatch.setattr(Vocabulary, "fold", count_folded)
    monkeypatch.setattr(ReadPrompt, "begin", count_read)
    body = {"prompt": ["hello", "the fox"], "n": 5, "max_tokens": 3, "echo": True, "logprobs": 2}
    assert len(client.post("v1/completions", json=body).json()["choices"]) == 10
    assert folded == read == ["hello", "the fox"]
