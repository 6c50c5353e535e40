"""The server: a port, a thread that answers on it, and an orderly shutdown."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from contextlib import suppress
from functools import partial
from threading import Thread
from typing import cast

import uvicorn

from nextchar.errors import NextcharError, UsageError
from nextchar.settings import ServeSettings
from nextchar.web.app import make_app
from nextchar.web.connection import Connection
from nextchar.web.listening import BACKLOG, Listener, max_connections
from nextchar.web.model_registry import ModelRegistry
from nextchar.web.service import Service

GRACE = 2.0
"""Seconds that requests in progress have left when the server is stopped."""
SEND_BUFFER = 131_072
"""Bytes, roughly, that the operating system buffers for each client."""
PATIENCE = 3
"""Seconds after `GRACE` until connections are cut off."""


class Server:
    """Answers on a port from its own thread."""

    def __init__(self, registry: ModelRegistry, settings: ServeSettings) -> None:
        """Take the port.

        Raises:
            UsageError: the host is open to other machines without a key or --public.
            NextcharError: the port is not available.
        """
        local = check_reach(settings)
        self.service = Service.of(settings, registry)
        self._socket = _listen(settings.host, settings.port)
        self.port: int = self._socket.getsockname()[1]
        self.address = f"http://{_in_address(settings.host)}:{self.port}/"
        """Address of the page."""
        connections = max_connections(settings.max_connections)
        config = uvicorn.Config(
            make_app(self.service, local=local),
            http=partial(Connection, settings=settings, max_connections=connections),  # pyright: ignore[reportArgumentType] (it is called like a class)
            ws="none",
            backlog=1,
            log_config=None,
            log_level="error",
            access_log=False,
            server_header=False,
            lifespan="off",
            timeout_graceful_shutdown=PATIENCE + round(GRACE),
        )
        self._uvicorn = Listener(config)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread = Thread(target=self._run, name="nextchar-web", daemon=True)

    def start(self) -> None:
        """Start to answer."""
        self._thread.start()

    def stop(self) -> None:
        """Start the shutdown: /readyz says so at once, and everything is answered for ``settings.drain`` seconds more.
        Then waiting requests are refused, and running ones have `GRACE` seconds left.

        A second call ends the drain. A call after the drain cuts off whatever is still running.
        """
        drain = 0.0 if self.service.stopping.is_set() else self.service.settings.drain
        self.service.stopping.set()
        if self._uvicorn.should_exit:
            self._uvicorn.force_exit = True
        elif self._loop is None:
            self._uvicorn.should_exit = True
        else:
            with suppress(RuntimeError):  # the loop has ended already
                self._loop.call_soon_threadsafe(self._loop.call_later, drain, self._end)

    def wait(self) -> None:
        """Wait until the server has stopped."""
        while self._thread.is_alive():  # in steps, so that signals are handled in between
            self._thread.join(0.5)

    def close(self) -> None:
        """Stop, and wait until the server has stopped."""
        self.stop()
        self.wait()

    def _run(self) -> None:
        try:
            asyncio.run(self._answer())
        finally:
            self._socket.close()
            self.service.shut()

    def _end(self) -> None:
        """Give running requests `GRACE` seconds, and soon afterwards cut off clients that have not read everything."""
        if self._uvicorn.should_exit:  # a second signal has ended the drain
            return
        self._uvicorn.should_exit = True
        self.service.close(GRACE)
        asyncio.get_running_loop().call_later(GRACE + 1, self._cut)

    def _cut(self) -> None:
        for connection in list(cast("set[Connection]", self._uvicorn.server_state.connections)):
            connection.cut()

    async def _answer(self) -> None:
        self._loop = asyncio.get_running_loop()
        await self._uvicorn.serve(sockets=[self._socket])


def check_reach(settings: ServeSettings) -> bool:
    """Return whether only this machine may use the server: it is local, without a key, and not public.

    Raises:
        UsageError: it is open to other machines without a key or --public.
    """
    is_local = _is_loopback(settings.host)
    if not is_local and settings.api_key is None and not settings.public:
        raise UsageError(
            f"--host {settings.host} lets other machines in: give --api-key KEY, which they must send, or --public to "
            "let everyone in."
        )
    return is_local and settings.api_key is None and not settings.public


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listening = socket.create_server((host, port), family=family, backlog=BACKLOG)
    except OSError as error:
        reason = (error.strerror or str(error)).partition(" (while")[0]  # what follows repeats the address
        raise NextcharError(
            f"Port {port} of {host} is not available: {reason}. Give another one with --port, or "
            "--port 0 for any free one."
        ) from error
    # Connections inherit it. Headers and body are sent separately: without it, every body waits 40 ms until the client
    # acknowledges the headers.
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    # By default the system buffers megabytes for a client that does not read: memory for text that nobody receives.
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)
    return listening


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _in_address(host: str) -> str:
    """Return ``host`` as part of an address that a browser on this machine can open."""
    if host in {"0.0.0.0", "::"}:
        return "localhost"
    return f"[{host}]" if ":" in host else host
