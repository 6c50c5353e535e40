"""What a server does not do for everybody: limits, many clients at once, clients that leave, hosts, other origins."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event
from time import perf_counter
from typing import Any

import httpx
import pytest

from nextchar.errors import ModelFileError, TextError, UnknownCharacterError, UsageError
from nextchar.web.refusals import as_refusal
from tests.command import PATIENCE
from tests.served import ENDLESS, client_of, events, measured, model_file, refusal, serving, wait_for
from tests.small_networks import random_model

RUNNING, WAITING = 'nextchar_running{work="writing"}', 'nextchar_waiting{work="writing"}'
FOREVER = {"length": ENDLESS, "temperature": 1.0, "seed": 1}


@pytest.fixture
def fox(tmp_path: Path) -> Path:
    """A model."""
    return model_file(tmp_path)


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
                assert "1 wait, the limit of this server (--max-waiting)" in refusal(sent_away, 503)
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


def test_64_clients_at_once_are_all_answered_and_the_server_stays_responsive(fox: Path) -> None:
    done = Event()

    def look(path: str) -> list[float]:
        taken: list[float] = []
        with client_of(server) as client:
            while not done.is_set():
                began = perf_counter()
                assert client.get(path).status_code == 200
                taken.append(perf_counter() - began)
                done.wait(0.01)
        return taken

    def write(number: int) -> list[str]:
        with client_of(server) as client:
            bodies = [{"prompt": "the", "length": 1000, "seed": number, "index": k} for k in range(3)]
            return [client.post("api/generate", json=body).json()["text"] for body in bodies]

    model = random_model()
    with serving(fox) as server, ThreadPoolExecutor(66) as pool:
        looking = [pool.submit(look, path) for path in ("healthz", "")]
        texts = list(pool.map(write, range(64)))
        done.set()
        for taken in looking:
            assert len(taken.result()) > 5
            assert sorted(taken.result())[len(taken.result()) // 2] < 0.5
    for number in (0, 63):
        expected = ["".join(model.stream("the", text=k, length=1000, seed=number)) for k in range(3)]
        assert texts[number] == expected
    assert all(len(text) == 1000 for three in texts for text in three)


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


def test_only_the_machine_itself_is_answered_unless_it_is_said(fox: Path) -> None:
    hosts = ["evil.example", "localhost.evil.example", "", "127.0.0.1.nip.io:80"]
    with serving(fox) as server, client_of(server) as client:
        for host in hosts:
            assert "localhost" in refusal(client.get("api/models", headers={"Host": host}), 400)
        for host in (f"localhost:{server.port}", "LOCALHOST", "127.0.0.1", f"[::1]:{server.port}"):
            assert client.get("api/models", headers={"Host": host}).status_code == 200
    for options in ({"public": True}, {"api_key": "k"}):
        with serving(fox, **options) as server, client_of(server, headers={"Authorization": "Bearer k"}) as client:
            assert client.get("api/models", headers={"Host": hosts[0]}).status_code == 200


def test_other_origins_are_let_in_by_name_alone(fox: Path) -> None:
    ours, theirs = "https://example.org", "https://evil.example"
    asked = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "content-type,authorization"}

    def allowed(client: httpx.Client, origin: str) -> tuple[str | None, str | None]:
        before = client.options("api/generate", headers={"Origin": origin, **asked})
        itself = client.post(
            "api/generate", json={"length": 1}, headers={"Origin": origin, "Authorization": "Bearer k"}
        )
        assert itself.status_code == 200
        name = "access-control-allow-origin"
        return before.headers.get(name), itself.headers.get(name)

    with serving(fox, api_key="k", origin=[ours]) as server, client_of(server) as client:
        assert allowed(client, ours) == (ours, ours)
        assert allowed(client, theirs) == (None, None)
        # What is refused can be read by the page that asked, too.
        assert client.get("api/models", headers={"Origin": ours}).headers["access-control-allow-origin"] == ours
    with serving(fox, api_key="k") as server, client_of(server) as client:
        assert allowed(client, ours) == (None, None)
    with serving(fox, api_key="k", origin=["*"]) as server, client_of(server) as client:
        assert allowed(client, theirs) == ("*", "*")


def test_the_page_runs_its_own_scripts_and_asks_no_other_host(fox: Path) -> None:
    with serving(fox) as server, client_of(server) as client:
        for path in ("", "docs"):
            page = client.get(path)
            assert page.headers["content-type"] == "text/html; charset=utf-8"
            rules = page.headers["content-security-policy"].split(";")
            policy = {name: value for name, _, value in (rule.strip().partition(" ") for rule in rules)}
            assert policy["default-src"] == "'none'"
            assert "unsafe" not in policy["script-src"]
            assert policy["script-src"].count("'sha256-") == page.text.count("<script>")
            assert policy["connect-src"] == "'self'"
            assert not re.search(r"(src|href)=[\"'](https?:)?//", page.text)
        for name, kind in (("swagger-ui-bundle.js", "text/javascript"), ("swagger-ui.css", "text/css")):
            asset = client.get(f"docs/{name}")
            assert asset.headers["content-type"].startswith(kind)
            assert len(asset.content) > 50_000
        assert client.get("docs/core.py").status_code == 404


@pytest.mark.parametrize("path", ["", "docs", "api/models", "api/nothing", "v1/models", "healthz"])
def test_every_answer_has_the_headers_of_security(fox: Path, path: str) -> None:
    with serving(fox) as server, client_of(server) as client:
        headers = client.get(path).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["x-frame-options"] == "DENY"
        assert headers["referrer-policy"] == "no-referrer"
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
        assert headers["cache-control"] in {"no-store", "no-cache"}
        assert "server" not in headers


def test_what_happens_is_counted(fox: Path) -> None:
    with serving(fox) as server, client_of(server) as client:
        assert client.get("healthz").json() == {"status": "ok", "models": 1}
        client.post("api/generate", json={"length": 123})
        client.post("v1/completions", json={"max_tokens": 7})
        client.post("api/generate", json={"length": -1})
        for _ in range(3):
            client.get("who/knows")
        assert measured(client, 'nextchar_characters_written_total{model="fox"}') == 130
        assert measured(client, 'nextchar_requests_total{route="/api/generate",status="200"}') == 1
        assert measured(client, 'nextchar_requests_total{route="/api/generate",status="400"}') == 1
        assert measured(client, 'nextchar_requests_total{route="other",status="404"}') == 3
        assert measured(client, 'nextchar_request_seconds_count{route="/healthz"}') == 1
        kind = client.get("metrics").headers["content-type"]
        assert kind == "text/plain; version=0.0.4; charset=utf-8"


def test_a_mistake_of_ours_is_an_answer_too(fox: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise ZeroDivisionError("a secret of the inside")

    monkeypatch.setattr("nextchar.web.own_routes.distribution", fail)
    monkeypatch.setattr("nextchar.model.continuation.draw_blocks", fail)
    with serving(fox) as server, client_of(server) as client:
        for path in ("api/distribution", "api/generate"):
            response = client.post(path, json={})
            assert "secret" not in refusal(response, 500)
        with client.stream("POST", "api/generate", json={"stream": True}) as response:
            *_, end = events(response)
        assert end["error"]["type"] == "server_error"
        assert "secret" not in end["error"]["message"]
        wait_for(client, RUNNING, 0)


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (UsageError("x"), 400),
        (TextError("x"), 400),
        (UnknownCharacterError("x"), 400),
        (ModelFileError("x"), 503),
        (ZeroDivisionError(), 500),
    ],
)
def test_every_error_has_its_status(error: Exception, status: int) -> None:
    assert as_refusal(error).status == status
