"""The API that OpenAI's clients speak, used by their own Python package."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import numpy as np
import openai
import pytest

from tests.served import model_file, refusal, serving
from tests.small_networks import random_model

OPTIONS = {"max_tokens": 40, "temperature": 1.0, "seed": 7}
MODEL = random_model()


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where a server with two models is."""
    folder = tmp_path_factory.mktemp("models")
    with serving(model_file(folder), model_file(folder, "wolf", random_model(seed=1))) as server:
        yield server.address


@pytest.fixture(scope="module")
def client(address: str) -> Iterator[openai.OpenAI]:
    """OpenAI's client, pointed at the server."""
    with openai.OpenAI(base_url=address + "v1", api_key="any", max_retries=0) as client:
        yield client


@pytest.fixture(scope="module")
def plain(address: str) -> Iterator[httpx.Client]:
    """A client that sends what OpenAI's would not."""
    with httpx.Client(base_url=address + "v1/") as client:
        yield client


def written(prompt: str, text: int = 0, **options: Any) -> str:
    """Return what the library writes."""
    asked: dict[str, Any] = {"length": 40, "temperature": 1.0, "seed": 7, **options}
    return "".join(MODEL.stream(prompt, text=text, **asked))


def test_a_completion_is_the_text_that_the_library_writes(client: openai.OpenAI) -> None:
    done = client.completions.create(model="fox", prompt="hello", **OPTIONS)
    assert (done.object, done.model, len(done.choices)) == ("text_completion", "fox", 1)
    choice = done.choices[0]
    assert (choice.text, choice.index, choice.finish_reason, choice.logprobs) == (written("hello"), 0, "length", None)
    assert done.usage is not None
    assert (done.usage.prompt_tokens, done.usage.completion_tokens, done.usage.total_tokens) == (5, 40, 45)
    assert done.id.startswith("cmpl-")
    again = client.completions.create(model="fox", prompt="hello", **OPTIONS)
    assert again.choices[0].text == choice.text
    assert again.system_fingerprint == done.system_fingerprint
    assert again.id != done.id


def test_defaults_are_those_of_openai(client: openai.OpenAI) -> None:
    done = client.completions.create(model="fox", prompt="hello", seed=7)
    assert done.choices[0].text == written("hello", length=16)
    assert (
        client.completions.create(model="fox", prompt="hello").choices[0].text
        != client.completions.create(model="fox", prompt="hello").choices[0].text
    )


def test_several_prompts_and_texts_are_numbered_in_order(client: openai.OpenAI) -> None:
    done = client.completions.create(model="fox", prompt=["hello", "", "the"], n=2, **OPTIONS)
    assert [choice.index for choice in done.choices] == list(range(6))
    prompts = ["hello", "hello", "", "", "the", "the"]
    assert [choice.text for choice in done.choices] == [written(prompt, text) for text, prompt in enumerate(prompts)]
    assert done.usage is not None
    assert (done.usage.prompt_tokens, done.usage.completion_tokens) == (8, 240)


def test_models_are_listed_and_told(client: openai.OpenAI) -> None:
    assert [model.id for model in client.models.list()] == ["fox", "wolf"]
    model = client.models.retrieve("wolf")
    assert (model.id, model.object, model.owned_by) == ("wolf", "model", "nextchar")
    assert model.created > 1_700_000_000
    other = client.completions.create(model="wolf", prompt="hello", **OPTIONS).choices[0].text
    assert other == random_model(seed=1).generate("hello", length=40, temperature=1.0, seed=7)


@pytest.mark.parametrize("several", [False, True])
def test_a_text_ends_before_a_stop(client: openai.OpenAI, several: bool) -> None:
    whole = written("hello")
    stop = [whole[20:23], "☃"] if several else whole[20:23]
    choice = client.completions.create(model="fox", prompt="hello", stop=stop, **OPTIONS).choices[0]
    assert (choice.text, choice.finish_reason) == (whole[: whole.index(whole[20:23])], "stop")


def test_draws_may_be_shaped(client: openai.OpenAI) -> None:
    def text(**more: object) -> str:
        options = {**OPTIONS, **more}
        return client.completions.create(model="fox", prompt="hello", **options).choices[0].text  # type: ignore[call-overload]

    assert text(top_p=0.3) == written("hello", top_p=0.3) != text()
    assert text(temperature=0) == written("hello", temperature=0)
    assert text(extra_body={"top_k": 2, "min_p": 0.1}) == written("hello", top_k=2, min_p=0.1)


def log_probabilities(text: str, given: str) -> list[float]:
    """Return ln p of each character of ``text`` after ``given``, computed one by one."""
    whole = given + text
    return [float(np.log(probabilities(whole[:place])[whole[place]])) for place in range(len(given), len(whole))]


def probabilities(prompt: str) -> dict[str, float]:
    """Return p of each character after ``prompt``, the unknown symbol's share left where it is."""
    ids = MODEL.fold_prompt(prompt).ids
    logits = MODEL.network.forward(ids[None], MODEL.network.initial_state(1))[0][0, -1].astype(float)
    powers = np.exp(logits - logits.max())
    return dict(zip(MODEL.vocabulary.decode(list(range(MODEL.vocabulary.size))), powers / powers.sum(), strict=True))


def test_logprobs_are_those_of_the_model(client: openai.OpenAI) -> None:
    choice = client.completions.create(model="fox", prompt="hello", logprobs=3, **OPTIONS).choices[0]
    logged = choice.logprobs
    assert logged is not None
    assert logged.tokens == list(choice.text) == list(written("hello"))
    assert logged.token_logprobs == pytest.approx(log_probabilities(choice.text, "hello"), abs=1e-4)
    assert logged.text_offset == list(range(5, 45))
    assert logged.top_logprobs is not None
    for place, top in enumerate(logged.top_logprobs):
        expected = probabilities("hello" + choice.text[:place])
        del expected["\ufffd"]
        best = sorted(expected, key=lambda character: -expected[character])[:3]
        assert set(top) == {*best, choice.text[place]}
        assert top[choice.text[place]] == logged.token_logprobs[place]  # type: ignore[index]


def test_a_prompt_can_be_scored_alone(client: openai.OpenAI) -> None:
    """With echo and no text written, as programs that evaluate models ask."""
    options = {"max_tokens": 0, "echo": True, "logprobs": 0}
    choice = client.completions.create(model="fox", prompt="hello", **options).choices[0]
    assert choice.text == "hello"
    assert choice.logprobs is not None
    assert choice.logprobs.token_logprobs is not None
    first, *rest = choice.logprobs.token_logprobs
    assert first is None
    assert rest == pytest.approx(log_probabilities("ello", "h"), abs=1e-4)
    assert choice.logprobs.top_logprobs is not None
    assert [set(top) for top in choice.logprobs.top_logprobs[1:]] == [{character} for character in "ello"]
    assert choice.logprobs.text_offset == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("prompt", ["", "h", "hello " * 200])
def test_echo_repeats_the_prompt(client: openai.OpenAI, prompt: str) -> None:
    choice = client.completions.create(model="fox", prompt=prompt, echo=True, logprobs=1, **OPTIONS).choices[0]
    assert choice.text == prompt + written(prompt)
    assert choice.logprobs is not None
    assert choice.logprobs.tokens == list(choice.text)
    assert choice.logprobs.token_logprobs is not None
    after_the_first = choice.logprobs.token_logprobs[len(prompt) or 0 :]
    expected = log_probabilities(written(prompt)[:3], prompt or "\n")  # a text begins as if after a line end
    assert after_the_first[:3] == pytest.approx(expected, abs=1e-4)


def test_a_prompt_is_told_as_it_was_read(client: openai.OpenAI) -> None:
    done = client.completions.create(model="fox", prompt="Hé☃", echo=True, **OPTIONS)
    assert done.choices[0].text == "hé" + written("hé")
    replaced = [("H", "h", 1), ("☃", "", 1)]
    assert [(r["character"], r["replacement"], r["count"]) for r in done.replacements] == replaced  # type: ignore[attr-defined]


def test_a_stream_is_the_same_text_in_parts(client: openai.OpenAI) -> None:
    options = {**OPTIONS, "max_tokens": 2000}
    whole = client.completions.create(model="fox", prompt=["hello", "the"], logprobs=2, echo=True, **options)
    with client.completions.create(
        model="fox", prompt=["hello", "the"], logprobs=2, echo=True, stream=True,
        stream_options={"include_usage": True}, **options,
    ) as stream:  # fmt: skip
        *chunks, last = list(stream)
    assert last.choices == []
    assert last.usage == whole.usage
    assert all(chunk.usage is None for chunk in chunks)
    assert {chunk.id for chunk in chunks} == {last.id}
    for choice in whole.choices:
        parts = [part for chunk in chunks for part in chunk.choices if part.index == choice.index]
        assert "".join(part.text for part in parts) == choice.text
        assert [part.finish_reason for part in parts] == [None] * (len(parts) - 1) + ["length"]
        logged = [part.logprobs for part in parts if part.logprobs is not None]
        assert choice.logprobs is not None
        assert [token for part in logged for token in part.tokens or []] == choice.logprobs.tokens
        assert [at for part in logged for at in part.text_offset or []] == choice.logprobs.text_offset
        streamed = [p for part in logged for p in part.token_logprobs or []]
        assert streamed == pytest.approx(choice.logprobs.token_logprobs, abs=1e-5)


def test_a_stream_without_usage_ends_with_the_text(client: openai.OpenAI) -> None:
    with client.completions.create(model="fox", prompt="hello", stream=True, **OPTIONS) as stream:
        chunks = list(stream)
    assert "".join(chunk.choices[0].text for chunk in chunks) == written("hello")
    assert chunks[-1].choices[0].finish_reason == "length"


@pytest.mark.parametrize(
    ("options", "param", "words"),
    [
        ({"temperature": -1}, "temperature", "temperature = -1"),
        ({"n": 0}, "n", "n = 0"),
        ({"n": 100, "prompt": ["a", "b"]}, None, "more than 128 texts"),
        ({"logprobs": 6}, "logprobs", "logprobs = 6"),
        ({"best_of": 3}, None, "best_of = 3 is not supported"),
        ({"frequency_penalty": 0.5}, "frequency_penalty", "frequency_penalty"),
        ({"logit_bias": {"5": 1}}, "logit_bias", "logit_bias"),
        ({"suffix": "end"}, "suffix", "suffix"),
        ({"prompt": [1, 2]}, "prompt", "not token ids"),
        ({"prompt": []}, "prompt", "prompt"),
        ({"max_tokens": 20_001}, "max_tokens", "20,000 (--max-characters)"),
        ({"max_tokens": 7_000, "n": 3}, "max_tokens", "20,000 (--max-characters)"),
        ({"prompt": "a" * 20_001}, "prompt", "20,000 (--max-text)"),
        ({"extra_body": {"temprature": 1}}, "temprature", "Did you mean 'temperature'"),
        ({"stream_options": {"include_usage": True}}, None, '"stream": true'),
    ],
)
def test_what_is_not_allowed_is_said_in_their_shape(
    client: openai.OpenAI, options: dict[str, object], param: str | None, words: str
) -> None:
    with pytest.raises(openai.BadRequestError, match=r"Error code: 400") as caught:
        client.completions.create(**{"model": "fox", "prompt": "hello", **options})  # type: ignore[call-overload]
    assert words in caught.value.message
    assert (caught.value.type, caught.value.param) == ("invalid_request_error", param)


def test_a_model_that_is_not_there_is_not_found(client: openai.OpenAI) -> None:
    with pytest.raises(openai.NotFoundError, match="'cat'") as caught:
        client.completions.create(model="cat", prompt="hello")
    assert (caught.value.code, caught.value.param) == ("model_not_found", "model")
    with pytest.raises(openai.NotFoundError, match="'a/b'"):
        client.models.retrieve("a/b")


def test_what_changes_nothing_is_accepted(client: openai.OpenAI, plain: httpx.Client) -> None:
    options = {
        "best_of": 1,
        "frequency_penalty": 0,
        "presence_penalty": 0,
        "logit_bias": {},
        "suffix": "",
        "user": "me",
    }
    done = client.completions.create(model="fox", prompt="hello", **OPTIONS, **options)  # type: ignore[call-overload]
    assert done.choices[0].text == written("hello")
    nothing = dict.fromkeys(["model", "n", "stop", "logprobs", "echo", "stream", "stream_options", "top_p", "suffix"])
    body = {"prompt": "hello", **OPTIONS, **nothing}
    assert plain.post("completions", json=body).json()["choices"][0]["text"] == written("hello")


def test_without_a_prompt_a_text_begins(plain: httpx.Client) -> None:
    for prompt in ({}, {"prompt": None}, {"prompt": ""}, {"prompt": [""]}):
        assert plain.post("completions", json={**OPTIONS, **prompt}).json()["choices"][0]["text"] == written("")


def test_routes_that_are_not_there_say_so_in_the_same_shape(plain: httpx.Client) -> None:
    assert "POST /v1/completions" in refusal(plain.post("chat/completions", json={}), 404)
    assert refusal(plain.get("completions"), 405) == "/v1/completions does not accept GET: use POST."
