"""What bodies of our own API may hold, and what the answer to others says."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest

from tests.served import client_of, model_file, post_ascii, refusal, serving
from tests.small_networks import random_model


@pytest.mark.parametrize(
    ("path", "body", "words"),
    [
        ("generate", {"lenght": 3}, "Did you mean 'length'"),
        ("generate", {"temperature": -1}, "temperature = -1"),
        ("generate", {"top_p": 0}, "top_p = 0"),
        ("generate", {"seed": "x"}, "seed = 'x'"),
        ("generate", {"length": 20_001}, "20,000 (--max-characters)"),
        ("generate", {"prompt": "a" * 20_001}, "20,000 (--max-text)"),
        ("generate", {"\ud800": 1}, "unicode"),
        ("generate", {"stop": ["x"] * 17}, "stop"),
        ("distribution", {"prompt": "a" * 20_001}, "20,000 (--max-text)"),
        ("distribution", {"limit": 0}, "limit"),
        ("score", {"text": ""}, "text"),
        ("score", {}, "text is missing"),
        ("score", {"text": "a" * 20_001}, "20,000 (--max-text)"),
        ("score", {"text": "a", "alternatives": 21}, "alternatives"),
        ("list", {"count": 2001}, "2,000 (--max-characters, 10 for an entry)"),
        ("list", {"cuont": 3}, "Did you mean 'count'"),
        ("list", {"max": 1001}, "max = 1001"),
        ("list", {"min": 4, "max": 3}, "--min 4 is more than --max 3"),
        ("list", {"starts": ["a" * 500] * 41}, "20,000 (--max-text)"),
        ("list", {"starts": ["A"]}, "the model does not know 'A'"),
        ("list", {"starts": ["\ud800"]}, "the model does not know"),
        ("list", {"like": "("}, "is not a regular expression"),
        ("list", {"like": "\ud800"}, "like = "),
        ("list", {"best": True, "seed": 1}, "--best draws nothing"),
        ("list", {"new": True}, "does not have its training text"),
    ],
)
def test_what_is_wrong_is_said(client: httpx.Client, path: str, body: dict[str, object], words: str) -> None:
    assert words in refusal(post_ascii(client, path, body), 400)


def test_an_error_repeats_little_of_what_was_given(client: httpx.Client) -> None:
    message = refusal(client.post("api/generate", json={"seed": "x" * 100_000}), 400)
    assert "seed = 'xxx" in message
    assert len(message) < 300


def test_line_ends_are_those_of_texts(tmp_path: Path) -> None:
    model = random_model("ab\n")
    text = model.generate("a\nb\n", length=300, temperature=1.0, seed=3)
    before, _, after = text.partition("\n")
    assert after
    stop = f"\r\n{after[:3]}".replace("\n", "\r\n").replace("\r\r", "\r")
    with serving(model_file(tmp_path, model=model)) as server, client_of(server) as client:
        for path, length in (("api/generate", "length"), ("v1/completions", "max_tokens")):
            body = {"prompt": "a\r\nb\r", "temperature": 1.0, "seed": 3, "stop": [stop], length: 300}
            answer = client.post(path, json=body).json()
            answer = answer.get("choices", [answer])[0]
            assert (answer["text"], answer["finish_reason"]) == (before, "stop")
