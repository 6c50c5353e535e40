"""Responses that are sent while they are written: server-sent events.

Source: WHATWG, "HTML", section 9.2 (server-sent events).
"""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator
from typing import Any

from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from nextchar.web.errors import as_refusal
from nextchar.web.responses import json_bytes
from nextchar.web.scheduler import Slot

EVENTS = {"text/event-stream": {"schema": {"type": "object", "properties": {"data": {"type": "string"}}}}}
"""How the documentation of the API describes such a response."""

logger = logging.getLogger("nextchar.web")


def event(data: Any) -> bytes:
    """Return ``data`` as one event; a string is sent as it is, anything else as JSON in one line."""
    content = data.encode() if isinstance(data, str) else _in_one_line(json_bytes(data))
    return b"data: " + content + b"\n\n"


def _in_one_line(content: bytes) -> bytes:
    """Return JSON with U+0085, U+2028 and U+2029 escaped: JSON allows them, but some clients split lines there."""
    for character in ("\u0085", "\u2028", "\u2029"):
        content = content.replace(character.encode(), f"\\u{ord(character):04x}".encode())
    return content


class EventStream(StreamingResponse):
    """Sends events until the last one or until the client disconnects, then releases the slot."""

    def __init__(self, events: AsyncGenerator[Any], slot: Slot) -> None:
        """Prepare the response.

        Args:
            events: the data of each; an exception becomes the last event.
            slot: released at the end of the response, however it ends.
        """
        self._events, self._slot = events, slot
        headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        super().__init__(self._encoded(), headers=headers, media_type="text/event-stream")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send everything."""
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._slot.release()

    async def _encoded(self) -> AsyncGenerator[bytes]:
        try:
            async for data in self._events:
                yield event(data)
        except Exception as error:  # the response has started: its status is sent
            refusal = as_refusal(error)
            if refusal.status == 500:
                logger.error("a request failed while its response was sent", exc_info=error)
            yield event(refusal.body)
        finally:
            await self._events.aclose()
