"""Accepts connections, as many as there are file descriptors, and waits when none is left."""

from __future__ import annotations

import asyncio
import logging
import socket
from typing import Any

import uvicorn

BACKLOG = 1024
"""Connections that the operating system holds until they are accepted."""
KEPT_BACK = 48
"""Descriptors kept for everything else: reloading models, the log of a run, Python itself."""
NO_MORE = "socket.accept() out of system resource"
"""The message of asyncio when it cannot accept a connection; it tries again after a second."""

logger = logging.getLogger("nextchar.web")


def max_connections(wanted: int) -> int:
    """Return how many connections may be open at once: ``wanted``, or fewer if the system allows fewer."""
    try:
        import resource
    except ImportError:  # Windows, which has no such limit
        return wanted
    allowed, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return wanted if allowed == resource.RLIM_INFINITY else max(1, min(wanted, allowed - KEPT_BACK))


class Listener(uvicorn.Server):
    """Accepts one connection at a time.

    asyncio tries ``backlog`` times in a row, even when no descriptor is left, and logs each failure
    (https://github.com/python/cpython/issues/151615). So uvicorn gets a backlog of 1, and the operating system a long
    one.
    """

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start to listen."""
        asyncio.get_running_loop().set_exception_handler(note)
        await super().startup(sockets)
        for listening in sockets or []:
            listening.listen(BACKLOG)


def note(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Log in one sentence that a connection cannot be accepted; leave other errors to asyncio."""
    if context.get("message") == NO_MORE:
        logger.warning("no new connection can be accepted for a second: %s", context.get("exception"))
    else:
        loop.default_exception_handler(context)
