"""Responses in JSON, whatever a text holds."""

from __future__ import annotations

import httpx

from tests.served import post_ascii


def test_a_lone_surrogate_is_a_character_that_no_model_knows(client: httpx.Client) -> None:
    answer = post_ascii(client, "generate", {"prompt": "\ud800", "length": 60}).json()
    assert answer["replacements"] == [{"character": "\ud800", "replacement": "", "count": 1}]
    assert post_ascii(client, "score", {"text": "a\ud800"}).json()["unknown"] == [False, True]
