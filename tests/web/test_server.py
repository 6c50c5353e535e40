"""The server as it is started and stopped: `nextchar serve` and `nextchar train --serve`, in processes of their own."""

from __future__ import annotations

import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from nextchar.cli import main
from nextchar.errors import UsageError
from nextchar.settings import ServeSettings, build
from nextchar.web.server import check_reach
from tests.command import PATIENCE, SMALL, assert_refused, environment, made_up_text, nextchar, posix, running
from tests.served import ENDLESS, client_of, events, model_file, refusal, serving
from tests.small_networks import random_model


def address_of(process: subprocess.Popen[bytes]) -> str:
    """Return the address that the command tells on standard error, once it does."""
    assert process.stderr is not None
    output = ""
    for line in process.stderr:
        output += line.decode()
        if found := re.search(r"http://\S+?:\d+/", output):
            return found[0]
    raise AssertionError(f"no address was printed: {output}")


@contextmanager
def served(*arguments: object) -> Iterator[tuple[subprocess.Popen[bytes], httpx.Client]]:
    """Run ``nextchar serve`` on a free port, with a client."""
    with (
        running("serve", *arguments, "--port", 0) as process,
        httpx.Client(base_url=address_of(process), timeout=PATIENCE) as client,
    ):
        yield process, client


@posix
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_texts_within_a_short_time_and_the_server_in_order(fox: Path, number: signal.Signals) -> None:
    with served(fox, "--max-characters", ENDLESS, "--max-writing", 1) as (process, client):
        assert client.get("").text.startswith("<!DOCTYPE html>")
        with client.stream("POST", "api/generate", json={"length": ENDLESS, "stream": True}) as response:
            coming = events(response)
            assert next(coming)["text"]
            process.send_signal(number)
            *_, end = coming
        assert "is stopping" in end["error"]["message"]
        assert process.wait(PATIENCE) == 0
        assert process.stderr is not None
        assert process.stderr.read().decode().splitlines()[-1] == "nextchar: stopped"


def test_short_texts_are_finished_before_the_end(fox: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What takes less than the grace is written to its end."""
    monkeypatch.setattr("nextchar.web.server.GRACE", PATIENCE)  # more than the slowest machine needs
    with serving(fox, max_characters=10**6) as server, client_of(server) as client:
        with client.stream("POST", "api/generate", json={"length": 200_000, "seed": 1, "stream": True}) as response:
            coming = events(response)
            first = next(coming)["text"]
            server.stop()
            *rest, end = coming
        assert end["done"], end
        assert len(first + "".join(piece["text"] for piece in rest)) == 200_000
        server.wait()


@posix
def test_a_server_that_drains_says_so_and_answers_until_a_second_signal(fox: Path) -> None:
    with served(fox, "--drain", "1h") as (process, client):
        assert (client.get("readyz").status_code, client.get("readyz").json()) == (200, {"status": "ready"})
        process.send_signal(signal.SIGTERM)
        while (answer := client.get("readyz")).status_code == 200:
            assert process.poll() is None
        assert (answer.status_code, answer.json()) == (503, {"status": "stopping"})
        with httpx.Client(base_url=client.base_url, timeout=PATIENCE) as another:
            assert another.get("healthz").json() == {"status": "ok", "models": 1}
            assert len(another.post("api/generate", json={"length": 50}).json()["text"]) == 50
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE) == 0


def test_a_drain_ends_by_itself(fox: Path) -> None:
    with serving(fox, drain=0.05) as server, client_of(server) as client:
        assert client.get("readyz").status_code == 200
        server.stop()
        server.wait()
        with pytest.raises(httpx.ConnectError):
            client.get("readyz")


def test_several_models_are_served_and_told(tmp_path: Path) -> None:
    paths = [model_file(tmp_path, name, random_model(seed=seed)) for seed, name in enumerate(("fox", "wolf"))]
    with served(*paths) as (_, client):
        for seed, name in enumerate(("fox", "wolf")):
            body = {"model": name, "length": 30, "seed": 1}
            assert client.post("api/generate", json=body).json()["text"] == random_model(seed=seed).generate(
                length=30, seed=1
            )


def test_a_key_may_come_from_the_environment(fox: Path) -> None:
    with (
        running("serve", fox, "--port", 0, env=environment(NEXTCHAR_API_KEY="secret")) as process,
        httpx.Client(base_url=address_of(process), timeout=PATIENCE) as client,
    ):
        assert client.get("api/models").status_code == 401
        assert client.get("api/models", headers={"Authorization": "Bearer secret"}).status_code == 200


def test_a_port_in_use_is_said_in_a_sentence(fox: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        outcome = nextchar("serve", fox, "--port", port)
    assert_refused(outcome, 1, f"Port {port} of 127.0.0.1 is not available", "--port 0")


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        ((), 2, ["Name a model"]),
        (("nothing.safetensors",), 1, ["There is no model nothing.safetensors"]),
        (("FOX", "--host", "0.0.0.0"), 2, ["--api-key KEY", "--public"]),
        (("FOX", "--host", "no.such.host.invalid", "--public"), 1, ["is not available"]),
        (("FOX", "--origin", "example.org"), 2, ["https://example.org"]),
        (("FOX", "--max-time", "soon"), 2, ["not a duration"]),
        (("FOX", "--port", "70000"), 2, ["port = '70000'"]),
        (("FOX", "--max-writing", "0"), 2, ["max_writing = '0'"]),
    ],
)
def test_what_cannot_be_served_is_said_in_a_sentence(
    arguments: tuple[str, ...], status: int, words: list[str], fox: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given = [str(fox) if argument == "FOX" else argument for argument in arguments]
    assert main(["serve", *given, *([] if "--port" in given else ["--port", "0"])]) == status
    shown = capsys.readouterr()
    assert shown.out == ""
    assert len(shown.err.splitlines()) == 1
    for word in words:
        assert word in shown.err


def test_what_is_not_installed_is_said_with_the_command_that_installs_it(
    fox: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    monkeypatch.delitem(sys.modules, "nextchar.web.server", raising=False)
    assert main(["serve", str(fox), "--port", "0"]) == 1
    assert 'pip install "nextchar[web]"' in capsys.readouterr().err


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1", "127.1.2.3"])
def test_this_machine_alone_needs_no_key(host: str) -> None:
    assert check_reach(build(ServeSettings, {"host": host}))
    assert not check_reach(build(ServeSettings, {"host": host, "api_key": "k"}))
    assert not check_reach(build(ServeSettings, {"host": host, "public": True}))


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.0.4", "example.org", ""])
def test_other_machines_are_let_in_by_key_or_by_word(host: str) -> None:
    with pytest.raises(UsageError, match="--public"):
        check_reach(build(ServeSettings, {"host": host}))
    assert not check_reach(build(ServeSettings, {"host": host, "api_key": "k"}))
    assert not check_reach(build(ServeSettings, {"host": host, "public": True}))


def test_a_server_for_everybody_answers_everybody(fox: Path) -> None:
    with serving(fox, host="0.0.0.0", public=True) as server, client_of(server) as client:
        assert server.address == f"http://localhost:{server.port}/"
        assert client.get("api/models", headers={"Host": "machine.example"}).status_code == 200


@pytest.fixture
def book(tmp_path: Path) -> Path:
    """A text."""
    path = tmp_path / "book.txt"
    path.write_text(made_up_text())
    return path


@posix
def test_a_run_is_served_while_it_is_trained(book: Path, tmp_path: Path) -> None:
    options = ("--steps", 100_000, "--evaluations", 5000, *SMALL, "--save-every", "0.2s")
    with running("train", book, "--out", tmp_path / "run", "--serve", "--port", 0, *options) as process:
        with httpx.Client(base_url=address_of(process), timeout=PATIENCE) as client:
            assert client.get("").status_code == 200
            while not (models := client.get("api/models").json()["models"]):
                assert process.poll() is None
            assert (models[0]["id"], models[0]["finished"], models[0]["has_history"]) == ("run", False, True)
            seen: set[int] = set()
            while len(seen) < 3:  # the curve grows
                seen |= steps_told(client)
            assert len(client.post("api/generate", json={"length": 50}).json()["text"]) == 50
            assert "5,000 (--max-characters)" in refusal(client.post("api/generate", json={"length": 5001}), 400)
            fingerprints = {fingerprint(client)}
            while len(fingerprints) < 2:  # the model is loaded anew when it has learned
                fingerprints.add(fingerprint(client))
            process.send_signal(signal.SIGINT)
            _, errors = process.communicate(timeout=PATIENCE)
        assert process.returncode == 130
        assert f"nextchar: to serve the page again: nextchar serve {tmp_path / 'run'}" in errors.decode().splitlines()


def steps_told(client: httpx.Client) -> set[int]:
    """Return the steps that the history of a run tells of."""
    return {evaluation["step"] for evaluation in client.get("api/history").json()["evaluations"]}


def fingerprint(client: httpx.Client) -> str:
    """Return what tells the model from others."""
    return client.post("v1/completions", json={"max_tokens": 1}).json()["system_fingerprint"]


def test_training_does_not_begin_where_the_page_has_no_port(book: Path, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        outcome = nextchar("train", book, "--out", tmp_path / "run", "--serve", "--port", port, "--steps", 2)
    assert_refused(outcome, 1, f"Port {port}")
    assert not (tmp_path / "run").exists()
    assert_refused(nextchar("train", book, "--port", 8000), 2, "--serve")
