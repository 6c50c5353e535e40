"""A connection to a client, with a time limit for everything that the client can delay.

uvicorn speaks HTTP over it (`H11Protocol`) and leaves time limits to proxies: it waits forever for headers, for a body,
and for a client that does not read its response. Here each of these has a limit:

    connected ---max_arrival---> request whole ---max_time---> answer sent ---max_idle---> closed
                                                   (max_stall each time that 64 kB wait for the client to read)

A client that has sent its request may close its side and still get a response (RFC 9112, section 9.6). Whether it has
disconnected altogether only shows when something is sent, so it is sent "100 Continue", which clients skip, until the
response starts.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from http import HTTPStatus
from typing import Any, cast

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from nextchar.settings import ServeSettings
from nextchar.web.errors import RefusedError, busy
from nextchar.web.framing import StrictConnection

SPARE = 5.0
"""Seconds after `ServeSettings.max_time` to send the response that says that the time is over."""
PROBES = (0.1, 0.2, 0.4, 0.8, 1.6)
"""Seconds between checks whether a client that closed its side is still connected; the last one repeats."""
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


class Connection(H11Protocol):
    """One connection. Everything runs on the event loop."""

    def __init__(self, *, settings: ServeSettings, max_connections: int, **parts: Any) -> None:
        """Prepare a connection.

        Args:
            settings: the time limits.
            max_connections: connections that may be open at once.
            **parts: arguments that uvicorn passes to each connection.
        """
        super().__init__(**parts)
        self.conn: StrictConnection = StrictConnection()
        self.timeout_keep_alive = settings.max_idle  # pyright: ignore[reportAttributeAccessIssue] (fractions of a second are allowed)
        self._settings, self._max_connections = settings, max_connections
        self._timers: dict[str, asyncio.TimerHandle] = {}
        self._half_closed = False

    @property
    def is_answering(self) -> bool:
        """Whether a request is being received or answered, rather than waited for."""
        return self.cycle is not None and not self.cycle.response_complete  # pyright: ignore[reportUnnecessaryComparison]

    @property
    def is_idle(self) -> bool:
        """Whether all responses are sent, so that the server only waits for the next request."""
        return not self.is_answering and self._written

    @property
    def waits_until(self) -> float:
        """When the connection is closed if no request comes, on the clock of the event loop."""
        timer = self._timers.get("arrival") or self.timeout_keep_alive_task
        return 0.0 if timer is None else timer.when()

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Open the connection; if there are too many, close one that only waits, or refuse this one."""
        others = list(cast("set[Connection]", self.connections))
        super().connection_made(transport)
        self._expect("arrival", self._settings.max_arrival, self._end_arrival)
        if len(others) >= self._max_connections:
            idle = [connection for connection in others if connection.is_idle]
            if idle:
                min(idle, key=lambda connection: connection.waits_until).cut()
            else:
                self._refuse(busy(f"{len(others):,} connections are open, the limit of this server: try again."))

    def data_received(self, data: bytes) -> None:
        """Receive a part of a request."""
        if self.transport.is_closing():
            return
        if not self.is_answering:
            self._expect("arrival", self._settings.max_arrival, self._end_arrival, again=False)
        super().data_received(data)

    def handle_events(self) -> None:
        """Handle received data: a request may start or be complete."""
        super().handle_events()
        if self.conn.their_state not in {h11.IDLE, h11.SEND_BODY}:
            self._forget("arrival")
            if self.is_answering:
                self._expect("answer", self._settings.max_time, self._end_answer, again=False)

    def eof_received(self) -> bool:  # type: ignore[override]
        """Keep the connection for a complete request; return whether there is one."""
        if not self.is_answering or self.conn.their_state is h11.SEND_BODY:
            return False
        self._half_closed = True
        if self.scope["http_version"] != "1.0":  # 1.0 has no interim responses
            self._probe(0)
        return True

    def on_response_complete(self) -> None:
        """Wait for the next request, or continue with one that has arrived already."""
        self._forget("probe")
        answer = self._forget("answer")
        if answer is not None and not self._written:
            self._expect("sending", answer.when() - self.loop.time(), self._end_sending)
        super().on_response_complete()
        if self._half_closed and not self.is_answering:
            self.transport.close()

    def pause_writing(self) -> None:
        """Start the time limit of a client that reads more slowly than the server writes."""
        super().pause_writing()
        self._expect("stall", self._settings.max_stall, self.cut)

    def resume_writing(self) -> None:
        """Stop the time limit: the client has read."""
        super().resume_writing()
        self._forget("stall")

    def connection_lost(self, exc: Exception | None) -> None:
        """Close the connection and cancel all timers."""
        for name in list(self._timers):
            self._forget(name)
        super().connection_lost(exc)
        self._unset_keepalive_if_required()

    def timeout_keep_alive_handler(self) -> None:
        """Close an idle connection once everything is sent."""
        self.transport.close()

    def shutdown(self) -> None:
        """Close the connection after the current response."""
        if self.is_answering:
            self.cycle.keep_alive = False
        else:
            self.transport.close()

    def send_400_response(self, msg: str) -> None:
        """Refuse an invalid request."""
        self._refuse(RefusedError(400, f"{msg} What is wrong: {self.conn.fault}.", code="invalid_http"))

    def cut(self) -> None:
        """Close at once, whatever is being sent."""
        self.transport.abort()

    @property
    def _written(self) -> bool:
        """Whether the operating system has taken all data to send."""
        return self.transport.get_write_buffer_size() == 0

    def _refuse(self, refusal: RefusedError) -> None:
        """Send an error response, unless another response has started, and close the connection."""
        if not (self.is_answering and self.cycle.response_started):
            body = json.dumps(refusal.body).encode()
            status = HTTPStatus(refusal.status)
            headers = {
                "Content-Type": "application/json",
                "Content-Length": len(body),
                "Connection": "close",
                **refusal.headers,
            }
            lines = [f"HTTP/1.1 {status} {status.phrase}", *(f"{name}: {value}" for name, value in headers.items())]
            self.transport.write("\r\n".join([*lines, "", ""]).encode() + body)
        if self.is_answering:
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        self.transport.close()
        self._expect("stall", self._settings.max_stall, self.cut)

    def _end_arrival(self) -> None:
        """Stop waiting for a request, or for the rest of one that was answered early."""
        seconds = self._settings.max_arrival
        began = self.is_answering or (self.conn.their_state is h11.IDLE and self.conn.trailing_data[0])
        if not began:
            self.cut()
            return
        message = f"The request did not arrive within {seconds:g} s, the limit of this server (--max-arrival)."
        self._refuse(RefusedError(408, message, code="timeout"))

    def _end_answer(self) -> None:
        """Cut off a client that does not read its response; otherwise leave `SPARE` seconds to send that it is late."""
        self._end_sending()
        self._expect("answer", SPARE, self.cut)

    def _end_sending(self) -> None:
        """Cut off a client that has not read everything."""
        if not self._written:
            self.cut()

    def _probe(self, number: int) -> None:
        """Send an interim response later, and again: sending fails when the client has disconnected."""

        def send() -> None:
            if self.is_answering and not self.cycle.response_started:
                self.transport.write(CONTINUE)
                self._probe(number + 1)

        self._expect("probe", PROBES[min(number, len(PROBES) - 1)], send)

    def _expect(self, name: str, seconds: float, otherwise: Callable[[], None], *, again: bool = True) -> None:
        """Call ``otherwise`` after ``seconds`` unless ``name`` is forgotten; ``again`` restarts a running timer."""
        if name in self._timers and not again:
            return
        self._forget(name)

        def end() -> None:
            del self._timers[name]
            otherwise()

        self._timers[name] = self.loop.call_later(seconds, end)

    def _forget(self, name: str) -> asyncio.TimerHandle | None:
        """Cancel the timer ``name`` and return it."""
        timer = self._timers.pop(name, None)
        if timer is not None:
            timer.cancel()
        return timer
