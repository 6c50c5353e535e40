"""How many connections there may be, and what happens when no more fit."""

from __future__ import annotations

import resource
import signal
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest

from nextchar.web.listening import KEPT_BACK, max_connections
from tests.command import PATIENCE, running
from tests.web.test_connection import connected
from tests.web.test_server import address_of


def test_descriptors_bound_the_connections(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resource, "getrlimit", lambda _: (256, 4096))
    assert max_connections(1000) == 256 - KEPT_BACK
    assert max_connections(10) == 10
    monkeypatch.setattr(resource, "getrlimit", lambda _: (20, 4096))
    assert max_connections(1000) == 1
    monkeypatch.setattr(resource, "getrlimit", lambda _: (resource.RLIM_INFINITY,) * 2)
    assert max_connections(1000) == 1000


def test_a_server_that_has_no_descriptor_left_says_so_and_waits(fox: Path) -> None:
    """It had nothing else to do but to write 432,077 tracebacks in a minute."""

    def few() -> None:
        resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))

    with (
        running("serve", fox, "--port", 0, preexec_fn=few) as process,
        httpx.Client(base_url=address_of(process), timeout=PATIENCE) as client,
    ):
        port = httpx.URL(client.base_url).port
        assert port is not None
        with ExitStack() as stack:
            for _ in range(200):
                stack.enter_context(connected(port))
            assert client.get("healthz").status_code == 200
        # Were there fewer descriptors than it counts with, it would wait for a second, and go on.
        held = len(list(Path(f"/proc/{process.pid}/fd").iterdir()))
        resource.prlimit(process.pid, resource.RLIMIT_NOFILE, (held, 64))
        with ExitStack() as stack:
            for _ in range(20):
                stack.enter_context(connected(port))
            assert process.stderr is not None
            assert b"no new connection can be accepted for a second" in process.stderr.readline()
        resource.prlimit(process.pid, resource.RLIMIT_NOFILE, (64, 64))
        with httpx.Client(base_url=client.base_url, timeout=PATIENCE) as another:
            assert another.get("healthz").status_code == 200
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE) == 0
        lines = process.stderr.read().decode().splitlines()
        assert len(lines) < 20
        assert not any("Traceback" in line for line in lines)
