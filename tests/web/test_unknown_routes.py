"""Requests to unknown paths and with wrong methods name what there is."""

from __future__ import annotations

import httpx
import pytest

from tests.served import refusal


@pytest.mark.parametrize(
    ("method", "path", "words"),
    [
        ("POST", "v1/chat/completions", ["POST /v1/completions", "prompt"]),
        ("POST", "v1/chat/completions/", ["POST /v1/completions"]),
        ("POST", "v1/completion", ["Did you mean POST /v1/completions?"]),
        ("GET", "api/model", ["Did you mean GET /api/models?"]),
        ("GET", "api/models/", ["Leave out the final slash: GET /api/models."]),
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
        ("GET", "api/generate", "/api/generate does not accept GET: use POST."),
        ("DELETE", "v1/models/fox", "use GET."),
        ("POST", "", "/ does not accept POST: use GET"),
    ],
)
def test_a_wrong_method_is_answered_with_the_right_one(
    client: httpx.Client, method: str, path: str, words: str
) -> None:
    response = client.request(method, path)
    assert words in refusal(response, 405)
    assert response.headers["allow"]
