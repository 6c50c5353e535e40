"""Where a request ends: told by one header, in one way. Whoever is in doubt could be made to take one request for two.

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
    """The server's side of a connection, which refuses requests whose end could be taken for another place."""

    def __init__(self) -> None:
        super().__init__(h11.SERVER, MAX_HEAD_BYTES)
        self.fault = ""
        """What was wrong with what was received."""

    def next_event(self) -> h11.Event | type[h11.NEED_DATA] | type[h11.PAUSED]:
        """Return the next event.

        Raises:
            h11.RemoteProtocolError: what was received is no request, or tells its end in more than one way.
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
    """Return what is wrong with how the headers in ``head`` tell the length of the body; None where nothing is."""
    told = [(name.lower(), value) for name, value in _FRAMING.findall(head)]
    if len(told) > 1:
        return "a request tells the length of its body once: by Content-Length, or by Transfer-Encoding: chunked"
    for name, value in told:
        if name == b"content-length" and not re.fullmatch(rb"[0-9]{1,18}", value):
            return "Content-Length is a number of bytes in decimal digits"
        if name == b"transfer-encoding" and value.lower() != b"chunked":
            return "the one Transfer-Encoding that is read is chunked"
    return None
