"""Bodies that are wrong in every way: what is answered is short, and comes soon."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from nextchar.model.continuation import Prompt
from nextchar.text.vocabulary import Vocabulary
from nextchar.web.bodies import GenerateBody
from nextchar.web.body_reading import DEEPEST, MOST_VALUES, SMALL, parse_body
from nextchar.web.event_stream import event
from nextchar.web.refusals import RefusedError
from tests.served import client_of, events, model_file, refusal, serving
from tests.small_networks import random_model


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """A client of a server."""
    with serving(model_file(tmp_path_factory.mktemp("models"))) as server, client_of(server) as client:
        yield client


def said(content: bytes) -> str:
    """Return why a body is refused."""
    with pytest.raises(RefusedError) as caught:
        parse_body(GenerateBody, content)
    assert caught.value.status == 400
    return str(caught.value)


def nested(depth: int) -> bytes:
    return b'{"stop": ' + b"[" * (depth - 1) + b"]" * (depth - 1) + b"}"


@pytest.mark.parametrize(
    "content",
    [
        json.dumps({f"option{number}" + "x" * 1000: number for number in range(900)}).encode(),
        json.dumps({"stop": [[]] * 900}).encode(),
        json.dumps({"seed": "x" * 10**6, "y" * 10**6: "z" * 10**6}).encode(),
        json.dumps({"model": [{"x" * 1000: "y" * 1000}] * 300}).encode(),
    ],
)
def test_a_refusal_is_short_however_much_is_wrong(content: bytes) -> None:
    assert len(said(content)) < 1500


def test_the_first_few_mistakes_are_named_and_the_others_counted() -> None:
    message = said(json.dumps({f"option{number}": number for number in range(20)}).encode())
    assert "There is no option 'option4': leave it out." in message
    assert "option5" not in message
    assert message.endswith("And 15 more.")


def test_json_has_limits() -> None:
    assert f"more than {DEEPEST} deep" in said(nested(DEEPEST + 1))
    assert "deep" not in said(nested(DEEPEST))
    assert "deep" in said(b'{"stop": ' + b"[" * 10**6)
    assert "deep" in said(b'{"a":' * 10**5)
    assert f"more than {MOST_VALUES:,} values" in said(json.dumps({"stop": [0] * MOST_VALUES}).encode())
    assert "values" in said(json.dumps({str(number): 0 for number in range(MOST_VALUES + 1)}).encode())
    assert "too long to read" in said(b'{"seed": ' + b"1" * 5000 + b"}")
    assert "length = inf" in said(b'{"length": 1e999}')
    assert "UTF-8, from byte 13 on" in said('{"prompt": "é"}'.encode("latin-1"))
    assert "no JSON" in said(b'{"prompt": "a" "b"}')
    assert parse_body(GenerateBody, b'\xef\xbb\xbf{"length": 3}').length == 3


def test_a_large_body_is_parsed_in_a_thread(client: httpx.Client, monkeypatch: pytest.MonkeyPatch) -> None:
    from threading import current_thread

    threads: list[str] = []

    def parse(kind: type[Any], content: bytes) -> Any:
        threads.append(current_thread().name)
        return parse_body(kind, content)

    monkeypatch.setattr("nextchar.web.body_reading.parse_body", parse)
    for prompt in ("a", "a" * SMALL):
        assert client.post("api/distribution", json={"prompt": prompt}).status_code == 200
    assert threads == ["nextchar-web", "nextchar-body_0"]


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        ("application/json", 200),
        ("application/json; charset=UTF-8", 200),
        ('application/json; charset="utf-8"', 200),
        ("application/vnd.api+json", 200),
        ("application/json; charset=utf-16", 400),
        ("application/json; charset=latin-1", 400),
        ("application/json; charset=", 400),
        ("text/json", 400),
        ("application/x-www-form-urlencoded", 400),
    ],
)
def test_json_is_sent_in_utf_8(client: httpx.Client, kind: str, status: int) -> None:
    response = client.post("api/generate", content=b'{"length": 3}', headers={"Content-Type": kind})
    assert response.status_code == status, response.text
    if status == 400:
        assert "send JSON in UTF-8" in refusal(response, 400) or "application/json" in refusal(response, 400)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("frequency_penalty", 0.5),
        ("presence_penalty", -1),
        ("logit_bias", {"50256": -100}),
        ("suffix", "the end"),
        ("best_of", 3),
        ("messages", [{"role": "user", "content": "hello"}]),
        ("tools", []),
    ],
)
def test_what_is_not_supported_is_to_be_left_out(client: httpx.Client, field: str, value: object) -> None:
    message = refusal(client.post("v1/completions", json={"prompt": "a", field: value}), 400)
    assert field in message
    assert "leave it out" in message


def test_logprobs_may_be_off_by_name(client: httpx.Client) -> None:
    answer = client.post("v1/completions", json={"prompt": "a", "logprobs": False}).json()
    assert answer["choices"][0]["logprobs"] is None
    assert "give 0 to 5" in refusal(client.post("v1/completions", json={"prompt": "a", "logprobs": True}), 400)


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


def test_no_line_of_a_stream_ends_within_its_data(tmp_path: Path) -> None:
    strange = "\u0085\u2028\u2029"
    assert event({"text": strange}) == b'data: {"text":"\\u0085\\u2028\\u2029"}\n\n'
    model = random_model("ab" + strange)
    with serving(model_file(tmp_path, model=model)) as server, client_of(server) as client:
        body = {"length": 100, "temperature": 2.0, "seed": 1}
        whole = client.post("api/generate", json=body).json()["text"]
        assert any(character in whole for character in strange)
        with client.stream("POST", "api/generate", json={**body, "stream": True}) as response:
            *pieces, _ = events(response)  # split into lines wherever Python ends one
        assert "".join(piece["text"] for piece in pieces) == whole


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"prompt": "a" * 20_000, "n": 128, "max_tokens": 100}, "n is 128 texts of 20,000 characters to read"),
        ({"prompt": "a" * 1000, "n": 21, "max_tokens": 0, "echo": True}, "max_tokens is 21,000 characters"),
        ({"prompt": ["a" * 100] * 100, "n": 1, "max_tokens": 150, "echo": True}, "25,000 characters"),
        ({"prompt": "", "n": 128, "max_tokens": 157}, "20,096 characters"),
    ],
)
def test_limits_count_every_text(client: httpx.Client, body: dict[str, Any], words: str) -> None:
    assert words in refusal(client.post("v1/completions", json=body), 400)


def test_what_is_within_the_limits_is_done(client: httpx.Client) -> None:
    """As much as one request may ask for: to read it all, and to write as much."""
    body = {"prompt": "a" * 20_000, "max_tokens": 20_000, "temperature": 1.0}
    assert len(client.post("v1/completions", json=body).json()["choices"][0]["text"]) == 20_000
    body = {"prompt": "hello" * 20, "n": 64, "max_tokens": 100, "echo": True, "logprobs": 1}
    choices = client.post("v1/completions", json=body).json()["choices"]
    assert [len(choice["logprobs"]["tokens"]) for choice in choices] == [200] * 64


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


@pytest.mark.parametrize(
    ("method", "path", "words"),
    [
        ("POST", "v1/chat/completions", ["POST /v1/completions", "prompt"]),
        ("POST", "v1/chat/completions/", ["POST /v1/completions"]),
        ("POST", "v1/completion", ["Did you mean POST /v1/completions?"]),
        ("GET", "api/model", ["Did you mean GET /api/models?"]),
        ("GET", "api/models/", ["Leave out the slash at its end: GET /api/models."]),
        ("GET", "zzz", ["GET /zzz", "POST /api/generate", "/docs"]),
        ("GET", "docs/core.py", ["/docs"]),
        ("POST", "x" * 5000, ["There is no route POST /xxx"]),
    ],
)
def test_a_route_that_is_not_there_is_answered_with_one_that_is(
    client: httpx.Client, method: str, path: str, words: list[str]
) -> None:
    message = refusal(client.request(method, path), 404)
    assert len(message) < 600
    for word in words:
        assert word in message


@pytest.mark.parametrize(
    ("method", "path", "words"),
    [
        ("GET", "api/generate", "/api/generate is not asked with GET: use POST."),
        ("DELETE", "v1/models/fox", "use GET."),
        ("POST", "", "/ is not asked with POST: use GET"),
    ],
)
def test_a_wrong_method_is_answered_with_the_right_one(
    client: httpx.Client, method: str, path: str, words: str
) -> None:
    response = client.request(method, path)
    assert words in refusal(response, 405)
    assert response.headers["allow"]
