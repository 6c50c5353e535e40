"""What bodies of /v1/completions may hold."""

from __future__ import annotations

import httpx
import pytest

from nextchar.settings import sampling_limits
from nextchar.web.openai_schemas import CompletionBody
from tests.served import refusal


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


def test_numbers_have_the_ranges_of_the_settings() -> None:
    described = CompletionBody.model_json_schema()["properties"]
    for name, limit in sampling_limits().items():
        schema = described["max_tokens" if name == "length" else name]
        number = schema.get("anyOf", [schema])[0]
        assert {key: number.get(key) for key in limit if key != "default"} == {
            key: value for key, value in limit.items() if key != "default"
        }
    assert (CompletionBody().max_tokens, CompletionBody().temperature) == (16, 1.0)
