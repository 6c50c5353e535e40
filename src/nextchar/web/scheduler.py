"""The scheduler: so many requests are worked for at once, so many wait, and none takes longer than it may.

Work is an iterator. Threads advance it a slice of time after another, and between two slices somebody else has a go:
many texts grow side by side, the event loop stays free, and the work of a client that is gone is simply not gone on
with.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import TypeVar

from nextchar.web.errors import OVERLOADED, ClientGoneError, RefusedError, busy

TIME_SLICE = 0.02
"""Seconds, about, that a thread works for one request before it looks who else is there."""

CHECK_INTERVAL = 0.05
"""Seconds between two looks whether a client that waits is still there."""

T = TypeVar("T")


async def stays() -> bool:
    """Return that the client is not gone: for answers whose sending would tell."""
    return False


class Scheduler:
    """Who is worked for, and who waits. Everything but the work itself happens on the event loop."""

    def __init__(
        self,
        pool: ThreadPoolExecutor,
        most: int,
        max_waiting: int,
        seconds: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Begin with nobody.

        Args:
            pool: threads that work.
            most: requests worked for at once.
            max_waiting: requests that wait at once; the next is refused.
            seconds: that a request may take, its wait included.
            clock: seconds.
        """
        self.pool, self.most, self.max_waiting, self.seconds, self.clock = pool, most, max_waiting, seconds, clock
        self.running = 0
        self.closing_at: float | None = None
        """When work ends, because the server does."""
        self._waiting: deque[asyncio.Future[None]] = deque()

    @property
    def waiting(self) -> int:
        """Requests that wait."""
        return len(self._waiting)

    async def acquire(self, gone: Callable[[], Awaitable[bool]] = stays) -> Slot:
        """Wait for a turn, whoever asked first coming first; ``gone`` tells whether the client still waits.

        Raises:
            RefusedError: too many wait already, the wait was too long, or the server ends.
            ClientGoneError: the client did not wait so long.
        """
        deadline = self.clock() + self.seconds
        if self.closing_at is not None:
            raise closing()
        if self.running < self.most:
            self.running += 1
            return Slot(self, deadline)
        if self.waiting >= self.max_waiting:
            raise busy(
                f"{self.running:,} requests are being worked for and {self.waiting:,} wait, the limit of this server "
                "(--max-waiting): try again."
            )
        place: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(place)
        try:
            async with asyncio.timeout(self.seconds):
                while not (await asyncio.wait({place}, timeout=CHECK_INTERVAL))[0]:
                    if await gone():
                        raise ClientGoneError
            place.result()
        except BaseException as error:
            self._give_up(place)
            if isinstance(error, TimeoutError):
                raise busy(
                    f"The request waited for {self.seconds:g} s, the limit of this server (--max-time): try again."
                ) from None
            raise
        return Slot(self, deadline)

    @asynccontextmanager
    async def slot(self, gone: Callable[[], Awaitable[bool]] = stays) -> AsyncGenerator[Slot]:
        """Wait for a turn as `acquire` does, and have it inside; ``gone`` tells whether the client still waits."""
        slot = await self.acquire(gone)
        slot.gone = gone
        try:
            yield slot
        finally:
            slot.release()

    def release(self) -> None:
        """End a slot: the next who waits has it."""
        while self._waiting:
            place = self._waiting.popleft()
            if not place.done():
                place.set_result(None)
                return
        self.running -= 1

    def close(self, grace: float) -> None:
        """Send those who wait away, and end all work within ``grace`` seconds."""
        self.closing_at = self.clock() + grace
        while self._waiting:
            place = self._waiting.popleft()
            if not place.done():
                place.set_exception(closing())

    def _give_up(self, place: asyncio.Future[None]) -> None:
        """Leave the row; a turn that was given in the same moment goes to the next."""
        if place in self._waiting:
            self._waiting.remove(place)
        elif place.done() and not place.cancelled() and place.exception() is None:
            self.release()


class Slot:
    """What one request may do, until `release`."""

    def __init__(self, scheduler: Scheduler, deadline: float) -> None:
        self.gone: Callable[[], Awaitable[bool]] = stays
        self._scheduler, self._deadline, self._left = scheduler, deadline, False

    async def results(self, work: Iterator[T]) -> AsyncIterator[list[T]]:
        """Yield what ``work`` yields, as much as was done in a slice of time, never empty.

        Raises:
            RefusedError: it takes longer than it may, or the server ends.
            ClientGoneError: nobody waits for it any more.
        """
        loop, done = asyncio.get_running_loop(), False
        while not done:
            self._check_time()
            if await self.gone():
                raise ClientGoneError
            items, done = await loop.run_in_executor(self._scheduler.pool, _advance, work, self._scheduler.clock)
            if items:
                yield items

    async def last(self, work: Iterator[T]) -> T:
        """Return the last of what ``work`` yields, which is at least one; errors are those of `results`."""
        return [item async for items in self.results(work) for item in items][-1]

    def release(self) -> None:
        """End the turn, once and for all."""
        if not self._left:
            self._left = True
            self._scheduler.release()

    def _check_time(self) -> None:
        now, ends = self._scheduler.clock(), self._scheduler.closing_at
        if ends is not None and now >= ends:
            raise closing()
        if now >= self._deadline:
            raise RefusedError(
                408,
                f"The request took longer than {self._scheduler.seconds:g} s, the limit of this server (--max-time): "
                "ask for fewer characters.",
                code="timeout",
                # Clients of OpenAI would ask for the same again otherwise.
                headers={"x-should-retry": "false"},
            )


def closing() -> RefusedError:
    """Return the answer of a server that ends."""
    return RefusedError(
        503, "The server is being stopped.", kind=OVERLOADED, code="stopping", headers={"Retry-After": "5"}
    )


def _advance(work: Iterator[T], clock: Callable[[], float]) -> tuple[list[T], bool]:
    """Return what ``work`` yields within a slice of time, and whether that was all."""
    items: list[T] = []
    until = clock() + TIME_SLICE
    for item in work:
        items.append(item)
        if clock() >= until:
            return items, False
    return items, True
