"""Where a request ends: exactly one header says so. If it were ambiguous, one request could be taken for two.

Source: RFC 9112, "HTTP/1.1", sections 6.1 and 6.3; h11 checks the rest.
"""

from __future__ import annotations

import re

import h11

MAX_HEAD_BYTES = 16_384
"""Bytes of the first line and the headers of a request."""

_END = re.compile(rb"\r?\n\r?\n")
_FRAMING = re.compile(rb"^(content-length|transfer-encoding)[ \t]*:[ \t]*(.*?)[ \t\r]*$", re.I | re.M)


class StrictConnection(h11.Connection):
    """The server's side of a connection; it refuses requests whose end is ambiguous."""

    def __init__(self) -> None:
        super().__init__(h11.SERVER, MAX_HEAD_BYTES)
        self.fault = ""
        """What was wrong with the received data."""

    def next_event(self) -> h11.Event | type[h11.NEED_DATA] | type[h11.PAUSED]:
        """Return the next event.

        Raises:
            h11.RemoteProtocolError: the data is not a valid request, or states its end in more than one way.
        """
        try:
            if self.their_state is h11.IDLE:
                self._check_framing()
            return super().next_event()
        except h11.RemoteProtocolError as error:
            self.fault = str(error)
            raise

    def _check_framing(self) -> None:
        head, *rest = _END.split(self.trailing_data[0].lstrip(b"\r\n"), maxsplit=1)
        if rest and (fault := framing_fault(head)) is not None:
            raise h11.RemoteProtocolError(fault)


def framing_fault(head: bytes) -> str | None:
    """Return what is wrong with the headers in ``head`` that state the length of the body; None if nothing is."""
    headers = [(name.lower(), value) for name, value in _FRAMING.findall(head)]
    if len(headers) > 1:
        return "a request states the length of its body once: by Content-Length, or by Transfer-Encoding: chunked"
    for name, value in headers:
        if name == b"content-length" and not re.fullmatch(rb"[0-9]{1,18}", value):
            return "Content-Length is a number of bytes in decimal digits"
        if name == b"transfer-encoding" and value.lower() != b"chunked":
            return "the only Transfer-Encoding that is supported is chunked"
    return None
