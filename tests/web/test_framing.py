"""Where a request ends: stated once, or the request is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from nextchar.web.framing import framing_fault
from tests.served import serving
from tests.web.test_connection import connected, error_in, received


@pytest.mark.parametrize(
    "headers",
    [
        ["Content-Length: 2", "Content-Length: 2"],
        ["Content-Length: 2", "Content-Length: 3"],
        ["Content-Length: 2, 2"],
        ["Content-Length: +2"],
        ["Content-Length: 0x2"],
        ["Content-Length: -2"],
        ["Content-Length:"],
        ["Content-Length: " + "9" * 30],
        ["Content-Length: 2", "Transfer-Encoding: chunked"],
        ["Transfer-Encoding: chunked", "content-LENGTH:2"],
        ["Transfer-Encoding: chunked", "Transfer-Encoding: chunked"],
        ["Transfer-Encoding: chunked, chunked"],
        ["Transfer-Encoding: identity"],
        ["Transfer-Encoding: gzip, chunked"],
        ["Transfer-Encoding: xchunked"],
        ["Transfer-Encoding : chunked"],
        ["Content-Length: 2", "X: y\r\n Content-Length: 3", "Content-Length: 2"],
    ],
)
def test_the_end_of_a_request_is_told_in_one_way_or_it_is_refused(fox: Path, headers: list[str]) -> None:
    head = "\r\n".join(["POST /api/generate HTTP/1.1", "Host: localhost", "Content-Type: application/json", *headers])
    before = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"
    with serving(fox) as server:
        for first in (b"", before):  # a second request in the same packet is looked at, too
            with connected(server.port, first + head.encode() + b"\r\n\r\n{}") as connection:
                answer = received(connection)
            assert answer.count(b"HTTP/1.1 ") == 1 + bool(first)
            error_in(answer[answer.rindex(b"HTTP/1.1 ") :], 400)


@pytest.mark.parametrize("head", [b"GET / HTTP/1.1\r\nHost: a", b"POST / HTTP/1.1\r\nContent-Length: 12", b""])
def test_a_request_that_is_told_in_one_way_is_right(head: bytes) -> None:
    assert framing_fault(head) is None
