"""Bodies that are wrong in every way: what is answered is short, and comes soon."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from nextchar.web.body_reading import MAX_DEPTH, MAX_INLINE_BYTES, MAX_VALUES, parse_body
from nextchar.web.errors import RefusedError
from nextchar.web.schemas import GenerateBody
from tests.served import refusal


def reason(content: bytes) -> str:
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
    assert len(reason(content)) < 1500


def test_the_first_few_mistakes_are_named_and_the_others_counted() -> None:
    message = reason(json.dumps({f"option{number}": number for number in range(20)}).encode())
    assert "There is no option 'option4': leave it out." in message
    assert "option5" not in message
    assert message.endswith("And 15 more.")


def test_json_has_limits() -> None:
    assert f"more than {MAX_DEPTH} deep" in reason(nested(MAX_DEPTH + 1))
    assert "deep" not in reason(nested(MAX_DEPTH))
    assert "deep" in reason(b'{"stop": ' + b"[" * 10**6)
    assert "deep" in reason(b'{"a":' * 10**5)
    assert f"more than {MAX_VALUES:,} values" in reason(json.dumps({"stop": [0] * MAX_VALUES}).encode())
    assert "values" in reason(json.dumps({str(number): 0 for number in range(MAX_VALUES + 1)}).encode())
    assert "too many digits" in reason(b'{"seed": ' + b"1" * 5000 + b"}")
    assert "length = inf" in reason(b'{"length": 1e999}')
    assert "not UTF-8 at byte 13" in reason('{"prompt": "é"}'.encode("latin-1"))
    assert "is not JSON" in reason(b'{"prompt": "a" "b"}')
    assert parse_body(GenerateBody, b'\xef\xbb\xbf{"length": 3}').length == 3


def test_a_large_body_is_parsed_in_a_thread(client: httpx.Client, monkeypatch: pytest.MonkeyPatch) -> None:
    from threading import current_thread

    threads: list[str] = []

    def parse(kind: type[Any], content: bytes) -> Any:
        threads.append(current_thread().name)
        return parse_body(kind, content)

    monkeypatch.setattr("nextchar.web.body_reading.parse_body", parse)
    for prompt in ("a", "a" * MAX_INLINE_BYTES):
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


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"3", b"\xff", b'{"prompt": ' + b"[" * 50_000])
def test_what_is_no_object_is_refused(client: httpx.Client, content: bytes) -> None:
    headers = {"Content-Type": "application/json"}
    assert "body" in refusal(client.post("api/generate", content=content, headers=headers), 400)


def test_a_form_of_another_page_is_no_request(client: httpx.Client) -> None:
    assert "application/json" in refusal(
        client.post("api/generate", content=b"{}", headers={"Content-Type": "text/plain"}), 400
    )
