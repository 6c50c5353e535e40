"""Models of each kind of tokens over HTTP: texts, distributions and scores are those of the library, and JSON holds no
half of a character."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import httpx
import numpy as np
import pytest

from nextchar.settings import TokenKind
from tests.served import client_of, events, model_file, serving
from tests.token_models import KINDS, PROMPTS, TEXT, model_of_kind

STRANGE = "a\udcff \ud800é"


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """A client of a server with a model of each kind, named after it."""
    folder = tmp_path_factory.mktemp("models")
    files = [model_file(folder, kind, model_of_kind(kind, blend=True)) for kind in KINDS]
    with serving(*files) as server, client_of(server) as client:
        yield client


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> TokenKind:
    return request.param


def ask(client: httpx.Client, path: str, kind: str, **options: Any) -> dict[str, Any]:
    """Return the answer; the request may hold lone surrogates."""
    headers = {"Content-Type": "application/json"}
    answer = client.post(path, content=json.dumps({"model": kind, **options}), headers=headers)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_the_kind_is_told(client: httpx.Client) -> None:
    models = client.get("api/models").json()["models"]
    assert [(model["id"], model["tokens"]) for model in models] == [(kind, kind) for kind in KINDS]
    assert [model["vocabulary_size"] for model in models] == [model_of_kind(kind).vocabulary.size for kind in KINDS]


def test_texts_are_those_of_the_library(client: httpx.Client, kind: TokenKind) -> None:
    model = model_of_kind(kind, blend=True)
    for prompt in PROMPTS:
        options: dict[str, Any] = {"length": 40, "seed": 2, "temperature": 1.1}
        text = model.generate(prompt, **options)
        assert ask(client, "api/generate", kind, prompt=prompt, **options)["text"] == text
        body = {"model": kind, "prompt": prompt, "stream": True, **options}
        with client.stream("POST", "api/generate", json=body) as answer:
            assert "".join(event.get("text", "") for event in events(answer)) == text
        choices = ask(client, "v1/completions", kind, prompt=prompt, max_tokens=40, seed=2, temperature=1.1)["choices"]
        assert choices[0]["text"] == text


def test_the_distribution_goes_on_with_what_is_begun(client: httpx.Client) -> None:
    answer = ask(client, "api/distribution", "words", prompt="and the ki", limit=3)
    assert answer["begun"] == " ki"
    assert answer["possible"] > 3 == len(answer["characters"])
    assert all(token.startswith(" k") or token == " " for token in answer["characters"])


def test_scores_add_up_to_those_of_the_library(client: httpx.Client, kind: TokenKind) -> None:
    model, text = model_of_kind(kind, blend=True), TEXT[:300]
    answer = ask(client, "api/score", kind, text=text, alternatives=2)
    assert "".join(answer["characters"]) == text
    assert answer["character_count"] == 300
    assert answer["bits_per_character"] == pytest.approx(model.bits_per_character(text), abs=1e-4)
    assert sum(answer["bits"]) == pytest.approx(model.surprises(text).sum(), rel=1e-5)
    assert len(answer["alternatives"]) == len(answer["bits"]) == len(answer["unknown"]) == len(answer["characters"])
    assert (len(answer["characters"]) < 200) == (kind == "words")


def test_lists_are_those_of_the_library(client: httpx.Client, kind: TokenKind) -> None:
    options: dict[str, Any] = {"count": 10, "seed": 3, "max": 6, "starts": ["k", "한"]}
    answer = ask(client, "api/list", kind, **options)
    entries = list(model_of_kind(kind, blend=True).list(**options))
    assert [entry["text"] for entry in answer["entries"]] == [entry.text for entry in entries]
    assert [entry["bits"] for entry in answer["entries"]] == pytest.approx([entry.bits for entry in entries], rel=1e-5)
    assert {entry["text"][0] for entry in answer["entries"]} <= {"k", "한"}
    assert answer["shortfall"] is None


@pytest.mark.parametrize("prompt", ["and the ki", "한 사", "", "don'"])
def test_the_logprobs_of_a_completion_are_of_its_tokens(client: httpx.Client, kind: TokenKind, prompt: str) -> None:
    options = {"prompt": prompt, "max_tokens": 30, "seed": 4, "logprobs": 2}
    (choice,) = ask(client, "v1/completions", kind, **options)["choices"]
    logged = choice["logprobs"]
    assert "".join(logged["tokens"]) == choice["text"]
    ends = np.cumsum([0, *map(len, logged["tokens"])])
    assert logged["text_offset"] == (len(prompt) + ends[:-1]).tolist()
    assert all(value < 0 for value in logged["token_logprobs"])
    assert all(top[token] == value for token, value, top in zip(
        logged["tokens"], logged["token_logprobs"], logged["top_logprobs"], strict=True
    ))  # fmt: skip
    with client.stream("POST", "v1/completions", json={"model": kind, "stream": True, **options}) as answer:
        parts = [event["choices"][0] for event in events(answer) if isinstance(event, dict) and event["choices"]]
    assert [token for part in parts if part["logprobs"] for token in part["logprobs"]["tokens"]] == logged["tokens"]


def test_an_echoed_text_costs_what_it_scores(client: httpx.Client, kind: TokenKind) -> None:
    text = "\n" + TEXT[:150]
    options = {"prompt": text, "max_tokens": 0, "echo": True, "logprobs": 0}
    (choice,) = ask(client, "v1/completions", kind, **options)["choices"]
    logged = choice["logprobs"]
    assert "".join(logged["tokens"]) == choice["text"] == text
    bits = model_of_kind(kind, blend=True).surprises(text[1:]).sum()  # after the line end, which is the start id
    assert logged["token_logprobs"][0] is None
    assert -sum(logged["token_logprobs"][1:]) / np.log(2) == pytest.approx(bits, rel=1e-4)


def test_bytes_that_are_no_text_are_escaped(client: httpx.Client) -> None:
    answers = [
        ask(client, "api/score", "bytes", text=STRANGE),
        ask(client, "api/score", "bytes", texts=[STRANGE, "\udcff"]),
        ask(client, "api/distribution", "bytes", prompt=STRANGE),
        ask(client, "api/generate", "bytes", prompt=STRANGE, length=200, temperature=1.5, seed=1),
        ask(client, "v1/completions", "bytes", prompt=STRANGE, echo=True, logprobs=3, max_tokens=50, seed=1),
    ]
    for answer in answers:
        json.dumps(answer, ensure_ascii=False).encode("utf-8")
    assert answers[0]["characters"] == ["a", "\\xff", " ", "\ufffd", "é"]
    assert answers[1]["scores"][1]["surprise_character"] == "\\xff"
    assert answers[4]["choices"][0]["text"].startswith("a\\xff \ufffdé")
