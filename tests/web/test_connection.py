"""Clients that are slow, stuck, half gone or too many, over plain sockets: none keeps the server from the others."""

from __future__ import annotations

import json
import signal
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from time import sleep
from typing import Any

import httpx
import pytest

from tests.command import PATIENCE, running
from tests.served import ENDLESS, RUNNING, WAITING, client_of, serving, wait_for
from tests.small_networks import random_model
from tests.web.test_server import address_of

ENDLESS_STREAM = {"length": ENDLESS, "temperature": 1.0, "stream": True}


@contextmanager
def connected(port: int, sent: bytes = b"", **options: int) -> Iterator[socket.socket]:
    """Connect to the server of this machine at ``port`` and send something."""
    with socket.socket() as connection:
        for name, value in options.items():
            connection.setsockopt(socket.SOL_SOCKET, getattr(socket, name), value)
        connection.settimeout(PATIENCE)
        connection.connect(("127.0.0.1", port))
        connection.sendall(sent)
        yield connection


def post(path: str, body: dict[str, Any], *headers: str) -> bytes:
    """Return a request."""
    content = json.dumps(body).encode()
    lines = [
        f"POST {path} HTTP/1.1",
        "Host: localhost",
        "Content-Type: application/json",
        f"Content-Length: {len(content)}",
        *headers,
    ]
    return "\r\n".join([*lines, "", ""]).encode() + content


def received(connection: socket.socket) -> bytes:
    """Return all that comes until the server closes the connection, however it does."""
    content = b""
    try:
        while piece := connection.recv(65536):
            content += piece
    except ConnectionResetError:
        pass
    return content


def error_in(answer: bytes, status: int) -> str:
    """Return the message of an answer that says no and is the last."""
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 %d " % status), answer
    assert b"connection: close" in head.lower()
    error = json.loads(body)["error"]
    assert set(error) == {"message", "type", "param", "code"}
    return error["message"]


def test_clients_that_do_not_read_lose_their_slots(fox: Path) -> None:
    """Sixteen of them had all slots for as long as they liked."""
    with (
        serving(fox, max_characters=ENDLESS, max_writing=2, max_stall=0.2) as server,
        client_of(server) as client,
        ExitStack() as stack,
    ):
        stuck = [
            stack.enter_context(connected(server.port, post("/api/generate", ENDLESS_STREAM), SO_RCVBUF=65_536))
            for _ in range(2)
        ]
        wait_for(client, 'nextchar_requests_total{route="/api/generate",status="200"}', 2)
        assert len(client.post("api/generate", json={"length": 5}).json()["text"]) == 5
        assert all(b'"done"' not in received(connection) for connection in stuck)


def test_a_client_that_does_not_read_is_cut_off_when_its_time_is_over(fox: Path) -> None:
    """However long it may stall; here its answer of some megabytes has been made long before."""
    body = {"text": "a" * 4000, "alternatives": 20}
    with (
        serving(fox, max_time=10.0, max_stall=600) as server,
        connected(server.port, post("/api/score", body), SO_RCVBUF=65_536) as connection,
    ):
        assert connection.recv(100).startswith(b"HTTP/1.1 200 ")
        while server._uvicorn.server_state.connections:
            sleep(0.01)
        assert len(received(connection)) < 10**6


def test_headers_have_their_time(fox: Path) -> None:
    with serving(fox, max_arrival=0.2) as server:
        for sent in (b"GET / HT", b"GET / HTTP/1.1\r\nHost: localhost\r\n"):
            with connected(server.port, sent) as connection:
                assert "0.2 s, the limit of this server (--max-arrival)" in error_in(received(connection), 408)
        with connected(server.port) as connection:  # a browser may connect beforehand, and asks nothing
            assert received(connection) == b""


def test_a_body_has_its_time(fox: Path) -> None:
    whole = post("/api/generate", {"length": 5})
    with serving(fox, max_arrival=0.2) as server, client_of(server) as client:
        with connected(server.port, whole[:-3]) as connection:
            assert "--max-arrival" in error_in(received(connection), 408)
        wait_for(client, 'nextchar_requests_total{route="/api/generate",status="499"}', 1)
        # An answer that does not wait for the body does not make the connection live on.
        with connected(server.port, whole[:-3].replace(b"/api/generate", b"/api/nothing")) as connection:
            assert received(connection).startswith(b"HTTP/1.1 404 ")


def test_bytes_that_drip_do_not_win_time(fox: Path) -> None:
    with serving(fox, max_arrival=0.5) as server, connected(server.port, b"GET / HTTP/1.1\r\n") as connection:
        connection.settimeout(0.01)
        answer = b""
        for _ in range(round(PATIENCE / 0.01)):
            try:
                answer = connection.recv(65536)
                break
            except TimeoutError:
                connection.sendall(b"X: y\r\n")
        assert "--max-arrival" in error_in(answer, 408)


def test_an_idle_connection_has_its_time(fox: Path) -> None:
    with (
        serving(fox, max_idle=0.2) as server,
        connected(server.port, b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n") as connection,
    ):
        assert received(connection).startswith(b"HTTP/1.1 200 ")


def test_of_too_many_connections_those_that_ask_nothing_make_room(fox: Path) -> None:
    with serving(fox, max_connections=3) as server, ExitStack() as stack:
        idle = [stack.enter_context(connected(server.port)) for _ in range(5)]
        assert [received(connection) for connection in idle[:2]] == [b"", b""]
        with client_of(server) as client:
            assert client.get("healthz").status_code == 200
        assert received(idle[2]) == b""


def test_where_all_are_asked_over_the_next_is_sent_away(fox: Path) -> None:
    with serving(fox, max_connections=1, max_characters=ENDLESS) as server:
        with connected(server.port, post("/api/generate", ENDLESS_STREAM)) as connection:
            assert connection.recv(1)
            with connected(server.port) as late:
                assert "1 connections are open" in error_in(received(late), 503)
            assert connection.recv(1)
        with client_of(server) as client:
            status = 0
            while status != 200:  # the place is free as soon as the server has noticed
                try:
                    status = client.get("healthz").status_code
                except httpx.TransportError:
                    continue


def test_a_client_that_has_closed_its_side_is_answered(fox: Path) -> None:
    body = {"length": 50, "seed": 1}
    with serving(fox) as server:
        for path in ("/api/generate", "/v1/completions"):
            asked = body if path == "/api/generate" else {"max_tokens": 50, "temperature": 0.5, "seed": 1}
            with connected(server.port, post(path, asked)) as connection:
                connection.shutdown(socket.SHUT_WR)
                answer = received(connection)
            assert random_model().generate(length=50, seed=1) in answer.decode().replace("\\n", "\n")
        with connected(server.port, 2 * b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n") as connection:
            connection.shutdown(socket.SHUT_WR)
            assert received(connection).count(b"HTTP/1.1 200 ") == 2
        with connected(server.port, post("/api/generate", body)[:-3]) as connection:  # it can never be whole
            connection.shutdown(socket.SHUT_WR)
            assert received(connection) == b""


def test_who_has_closed_its_side_and_waits_gets_interim_answers_and_then_its_own(fox: Path) -> None:
    with serving(fox, max_characters=ENDLESS, max_writing=1) as server, client_of(server) as client:
        with connected(server.port, post("/api/generate", ENDLESS_STREAM)) as first:
            assert first.recv(1)
            waiting = connected(server.port, post("/api/generate", {"length": 5, "seed": 1}))
            with waiting as connection:
                connection.shutdown(socket.SHUT_WR)
                wait_for(client, WAITING, 1)
                assert connection.recv(1000).startswith(b"HTTP/1.1 100 Continue\r\n\r\n")
                first.close()
                answer = received(connection)
        assert answer.replace(b"HTTP/1.1 100 Continue\r\n\r\n", b"").startswith(b"HTTP/1.1 200 ")


@pytest.mark.parametrize("stream", [True, False])
def test_who_waits_and_goes_leaves_the_row(fox: Path, stream: bool) -> None:
    with (
        serving(fox, max_characters=ENDLESS, max_writing=1, max_waiting=1) as server,
        client_of(server) as client,
        connected(server.port, post("/api/generate", ENDLESS_STREAM)) as first,
    ):
        assert first.recv(1)
        with connected(server.port, post("/api/generate", {"length": 5, "stream": stream})):
            wait_for(client, WAITING, 1)
        wait_for(client, WAITING, 0)
        wait_for(client, 'nextchar_requests_total{route="/api/generate",status="499"}', 1)
        assert first.recv(1), "the first one is written for all the while"


def test_the_end_does_not_wait_for_clients_that_are_stuck(fox: Path) -> None:
    with running("serve", fox, "--port", 0, "--max-characters", ENDLESS) as process, ExitStack() as stack:
        port = httpx.URL(address_of(process)).port
        assert port is not None
        requests = [post("/api/generate", ENDLESS_STREAM)] * 2
        requests += [b"", b"GET / HTTP/1.1\r\n", post("/api/generate", {"length": ENDLESS}), requests[0][:-5]]
        for request in requests:
            stack.enter_context(connected(port, request, SO_RCVBUF=65_536))
        with httpx.Client(base_url=f"http://localhost:{port}/", timeout=PATIENCE) as client:
            wait_for(client, RUNNING, 3)
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE) == 0
        assert process.stderr is not None
        assert process.stderr.read().decode().splitlines() == ["nextchar: stopped"]


def test_what_is_no_request_is_refused_and_not_logged(fox: Path) -> None:
    broken = post("/api/nothing", {}).replace(b"Content-Length: 2", b"Transfer-Encoding: chunked")
    with running("serve", fox, "--port", 0) as process:
        port = httpx.URL(address_of(process)).port
        assert port is not None
        for sent in (b"nonsense\r\n\r\n", b"\x16\x03\x01\x02\x00\r\n\r\n", b"GET / HTTP/1.1\r\n\r\n"):
            with connected(port, sent) as connection:
                error_in(received(connection), 400)
        with connected(port, b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + b"y" * 20_000) as connection:
            error_in(received(connection), 400)
        # What comes after an answer, in the place of the rest of a body.
        with connected(port, broken[:-2] + b"5\r\nhello\r\n") as connection:
            assert connection.recv(1000).startswith(b"HTTP/1.1 404 ")
            connection.sendall(b"no chunk\r\n\r\n")
            received(connection)
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE) == 0
        assert process.stderr is not None
        assert process.stderr.read().decode().splitlines() == ["nextchar: stopped"]
