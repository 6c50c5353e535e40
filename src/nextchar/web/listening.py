"""Taking in connections: as many as there are descriptors for, and none for a moment where there are no more."""

from __future__ import annotations

import asyncio
import logging
import socket
from typing import Any

import uvicorn

BACKLOG = 1024
"""Connections that the system holds until they are taken in."""
KEPT_BACK = 48
"""Descriptors for everything but connections: models that are loaded anew, the log of a run, Python's own."""
NO_MORE = "socket.accept() out of system resource"
"""What asyncio says where a connection cannot be taken in; it tries again after a second."""

logger = logging.getLogger("nextchar.web")


def max_connections(wanted: int) -> int:
    """Return how many connections may be open at once: ``wanted``, or fewer where the system allows fewer."""
    try:
        import resource
    except ImportError:  # Windows, which has no such limit
        return wanted
    allowed, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return wanted if allowed == resource.RLIM_INFINITY else max(1, min(wanted, allowed - KEPT_BACK))


class Listener(uvicorn.Server):
    """Takes in one connection at a time.

    asyncio tries as often at once as its ``backlog`` says, even where there is no descriptor left, and says so each
    time (https://github.com/python/cpython/issues/151615). So uvicorn is given a backlog of 1, and the system one that
    is long enough.
    """

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to listen."""
        asyncio.get_running_loop().set_exception_handler(note)
        await super().startup(sockets)
        for listening in sockets or []:
            listening.listen(BACKLOG)


def note(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Say in a sentence that a connection cannot be taken in; other mistakes are told as asyncio tells them."""
    if context.get("message") == NO_MORE:
        logger.warning("no new connection can be taken in for a second: %s", context.get("exception"))
    else:
        loop.default_exception_handler(context)
