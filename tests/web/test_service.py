"""What a server does not do for everybody: limits, many clients at once, clients that leave, hosts, other origins."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event
from typing import Any

import httpx
import pytest

from tests.command import PATIENCE
from tests.served import ENDLESS, RUNNING, WAITING, client_of, events, measured, refusal, serving, wait_for
from tests.small_networks import random_model

FOREVER = {"length": ENDLESS, "temperature": 1.0, "seed": 1}


def test_a_client_that_goes_away_stops_its_text(fox: Path) -> None:
    with serving(fox, max_characters=ENDLESS) as server, client_of(server) as client:
        with client.stream("POST", "api/generate", json={**FOREVER, "stream": True}) as response:
            coming = events(response)  # kept: without it, the response would be closed
            assert next(coming)["text"]
            wait_for(client, RUNNING, 1)
        wait_for(client, RUNNING, 0)
        written = measured(client, "nextchar_characters_written_total")
        assert 0 < written < ENDLESS / 10
        # Nothing is written for nobody afterwards.
        client.post("api/generate", json={"length": 10})
        assert measured(client, "nextchar_characters_written_total") <= written + 2_000_000 / 10


def test_a_client_that_waits_for_a_whole_text_may_leave_too(fox: Path) -> None:
    with serving(fox, max_characters=ENDLESS) as server, client_of(server) as client:
        with ThreadPoolExecutor(1) as pool:
            leaving = httpx.Client(base_url=server.address, timeout=httpx.Timeout(PATIENCE, read=0.3))
            with leaving:
                left = pool.submit(leaving.post, "api/generate", json=FOREVER)
                with pytest.raises(httpx.ReadTimeout):
                    left.result()
        wait_for(client, RUNNING, 0)
        wait_for(client, 'nextchar_requests_total{route="/api/generate",status="499"}', 1)


def test_who_comes_too_late_waits_and_who_comes_later_still_is_sent_away(fox: Path) -> None:
    with (
        serving(fox, max_characters=ENDLESS, max_writing=1, max_waiting=1) as server,
        client_of(server) as client,
        ThreadPoolExecutor(1) as pool,
    ):
        with client.stream("POST", "api/generate", json={**FOREVER, "stream": True}) as response:
            coming = events(response)  # kept: without it, the response would be closed
            assert next(coming)["text"]
            body = {"length": 20, "seed": 1}
            waiting = pool.submit(client.post, "api/generate", json=body)
            wait_for(client, WAITING, 1)
            for path in ("api/generate", "v1/completions"):
                sent_away = client.post(path, json={})
                assert "1 waiting, the limit of this server (--max-waiting)" in refusal(sent_away, 503)
                assert int(sent_away.headers["retry-after"]) > 0
            # What is soon done does not wait behind long texts.
            assert client.post("api/distribution", json={}).status_code == 200
            assert not waiting.done()
        assert waiting.result().json()["text"] == random_model().generate(length=20, seed=1)


def test_who_waits_too_long_is_told_so(fox: Path) -> None:
    with (
        serving(fox, max_characters=ENDLESS, max_writing=1, max_time=3.0) as server,
        client_of(server) as client,
        client.stream("POST", "api/generate", json={**FOREVER, "stream": True}) as response,
    ):
        coming = events(response)
        assert next(coming)["text"]
        with ThreadPoolExecutor(1) as pool:
            rest = pool.submit(list, coming)  # who does not read on is cut off
            answers = [client.post("api/generate", json={"length": 5}) for _ in range(2)]
        assert answers[0].status_code in {200, 503}  # the first text may end in the same moment
        end = rest.result()[-1]
        assert "took longer than 3 s, the limit of this server (--max-time)" in end["error"]["message"]
        assert answers[1].status_code == 200


def test_a_text_that_takes_too_long_is_ended_and_the_limit_said(fox: Path) -> None:
    with serving(fox, max_characters=ENDLESS, max_time=0.2) as server, client_of(server) as client:
        for path, body in (("api/generate", FOREVER), ("v1/completions", {"max_tokens": ENDLESS, "prompt": "the"})):
            response = client.post(path, json=body)
            assert "0.2 s, the limit of this server (--max-time): ask for fewer characters" in refusal(response, 408)
            assert response.headers["x-should-retry"] == "false"
            with client.stream("POST", path, json={**body, "stream": True}) as response:
                assert response.status_code == 200
                *_, end = events(response)
            assert end["error"]["code"] == "timeout"
        wait_for(client, RUNNING, 0)


def test_a_long_text_is_scored_within_the_time_or_not_at_all(fox: Path) -> None:
    with serving(fox, max_text=10**6, max_body=10**7, max_time=0.05) as server, client_of(server) as client:
        assert "(--max-time)" in refusal(client.post("api/score", json={"text": "the fox " * 100_000}), 408)


def test_a_body_has_its_limit(fox: Path) -> None:
    with serving(fox, max_body=1000) as server, client_of(server) as client:
        assert client.post("api/generate", json={"prompt": "a" * 900}).status_code == 200
        for path in ("api/generate", "v1/completions", "api/score"):
            message = refusal(client.post(path, json={"prompt": "a" * 1000}), 413)
            assert "1,000 bytes, the limit of this server (--max-body)" in message
        # Sent piece by piece, a body does not tell its length beforehand.
        pieces = (b'{"prompt": "' + b"a" * 300 if number == 0 else b"a" * 300 for number in range(10))
        headers = {"Content-Type": "application/json"}
        assert "(--max-body)" in refusal(client.post("api/generate", content=pieces, headers=headers), 413)


def test_limits_of_length_are_those_given(fox: Path) -> None:
    with serving(fox, max_characters=50, max_text=10) as server, client_of(server) as client:
        assert "51 characters, and the limit" in refusal(client.post("api/generate", json={"length": 51}), 400)
        assert "11 characters, and the limit" in refusal(client.post("api/generate", json={"prompt": "a" * 11}), 400)
        assert client.post("api/generate", json={"length": 50, "prompt": "a" * 10}).status_code == 200
        body = {"prompt": ["aaaaa", "bbbbbb"], "max_tokens": 1}
        assert "11 characters" in refusal(client.post("v1/completions", json=body), 400)


def test_64_clients_at_once_are_all_answered(fox: Path) -> None:
    def write(number: int) -> list[str]:
        with client_of(server) as client:
            bodies = [{"prompt": "the", "length": 1000, "seed": number, "index": k} for k in range(3)]
            return [client.post("api/generate", json=body).json()["text"] for body in bodies]

    model = random_model()
    with serving(fox) as server, ThreadPoolExecutor(64) as pool:
        texts = list(pool.map(write, range(64)))
    for number in (0, 63):
        expected = ["".join(model.stream("the", text=k, length=1000, seed=number)) for k in range(3)]
        assert texts[number] == expected
    assert all(len(text) == 1000 for three in texts for text in three)


def test_a_server_stays_responsive_while_it_writes(fox: Path) -> None:
    """Eight clients read texts that never end, on one thread: whatever is answered is answered in between."""
    done = Event()

    def read() -> None:
        with (
            client_of(server) as client,
            client.stream("POST", "api/generate", json={**FOREVER, "stream": True}) as response,
        ):
            for piece in events(response):
                assert piece["text"]
                if done.is_set():
                    return

    with (
        serving(fox, max_characters=ENDLESS, max_time=600.0, cores=1) as server,
        client_of(server) as client,
        ThreadPoolExecutor(8) as pool,
    ):
        reading = [pool.submit(read) for _ in range(8)]
        try:
            wait_for(client, RUNNING, 8)
            for path in ("healthz", "", "api/models"):
                assert client.get(path).status_code == 200
            assert client.post("api/distribution", json={"prompt": "the"}).status_code == 200
            assert len(client.post("api/generate", json={"length": 300}).json()["text"]) == 300
            assert measured(client, RUNNING) == 8
        finally:
            done.set()
        for reader in reading:
            reader.result()


def test_texts_grow_side_by_side(fox: Path) -> None:
    """A long text does not keep others from being written, however few threads there are."""
    with (
        serving(fox, max_characters=ENDLESS, cores=1) as server,
        client_of(server) as client,
        client.stream("POST", "api/generate", json={**FOREVER, "stream": True}) as response,
    ):
        coming = events(response)
        assert next(coming)["text"]
        assert len(client.post("api/generate", json={"length": 100}).json()["text"]) == 100
        assert next(coming)["text"]


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
