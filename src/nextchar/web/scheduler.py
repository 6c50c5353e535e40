"""The scheduler: how many requests are processed at once, how many wait, and how long each may take.

Work is an iterator. Threads advance it one time slice after another and switch between requests: many texts grow side
by side, the event loop stays free, and work for disconnected clients is dropped.
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
"""Seconds, roughly, that a thread works on one request before it switches to the next."""

CHECK_INTERVAL = 0.05
"""Seconds between two checks whether a waiting client is still connected."""

T = TypeVar("T")


async def never_gone() -> bool:
    """Return that the client is still connected: for streams, where sending notices a disconnect."""
    return False


class Scheduler:
    """Gives slots to requests; those beyond its limit wait. Everything but the work itself runs on the event loop."""

    def __init__(
        self,
        pool: ThreadPoolExecutor,
        max_running: int,
        max_waiting: int,
        seconds: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Start without requests.

        Args:
            pool: threads that do the work.
            max_running: requests that are processed at once.
            max_waiting: requests that may wait; more are refused.
            seconds: time that a request may take, including its wait.
            clock: returns the time in seconds.
        """
        self.pool, self.seconds, self.clock = pool, seconds, clock
        self.max_running, self.max_waiting = max_running, max_waiting
        self.running = 0
        self.closing_at: float | None = None
        """When all work ends because the server stops; None while it runs."""
        self._waiting: deque[asyncio.Future[None]] = deque()

    @property
    def waiting(self) -> int:
        """Number of requests that wait."""
        return len(self._waiting)

    async def acquire(self, gone: Callable[[], Awaitable[bool]] = never_gone) -> Slot:
        """Wait for a slot, first come, first served; ``gone`` says whether the client has disconnected.

        Raises:
            RefusedError: too many requests are waiting, the wait was too long, or the server stops.
            ClientGoneError: the client disconnected while it waited.
        """
        deadline = self.clock() + self.seconds
        if self.closing_at is not None:
            raise closing()
        if self.running < self.max_running:
            self.running += 1
            return Slot(self, deadline)
        if self.waiting >= self.max_waiting:
            raise busy(
                f"The queue is full: {self.running:,} in progress and {self.waiting:,} waiting, the limit of this "
                "server (--max-waiting). Try again."
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
    async def slot(self, gone: Callable[[], Awaitable[bool]] = never_gone) -> AsyncGenerator[Slot]:
        """Hold a slot, after waiting for it as `acquire` does; ``gone`` says whether the client has disconnected."""
        slot = await self.acquire(gone)
        slot.gone = gone
        try:
            yield slot
        finally:
            slot.release()

    def release(self) -> None:
        """End a slot; the next waiting request gets it."""
        while self._waiting:
            place = self._waiting.popleft()
            if not place.done():
                place.set_result(None)
                return
        self.running -= 1

    def close(self, grace: float) -> None:
        """Refuse the waiting requests, and end all work within ``grace`` seconds."""
        self.closing_at = self.clock() + grace
        while self._waiting:
            place = self._waiting.popleft()
            if not place.done():
                place.set_exception(closing())

    def _give_up(self, place: asyncio.Future[None]) -> None:
        """Leave the queue; a slot that was given at the same moment goes to the next request."""
        if place in self._waiting:
            self._waiting.remove(place)
        elif place.done() and not place.cancelled() and place.exception() is None:
            self.release()


class Slot:
    """The right of one request to be processed, until `release`."""

    def __init__(self, scheduler: Scheduler, deadline: float) -> None:
        self.gone: Callable[[], Awaitable[bool]] = never_gone
        self._scheduler, self._deadline, self._released = scheduler, deadline, False

    async def results(self, work: Iterator[T]) -> AsyncIterator[list[T]]:
        """Yield the items of ``work``, those of one time slice together; never an empty list.

        Raises:
            RefusedError: it takes too long, or the server stops.
            ClientGoneError: the client has disconnected.
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
        """Return the last item of ``work``, which yields at least one; errors are those of `results`."""
        return [item async for items in self.results(work) for item in items][-1]

    def release(self) -> None:
        """End the slot; calling it again does nothing."""
        if not self._released:
            self._released = True
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
                # Without it, OpenAI's clients send the same request again.
                headers={"x-should-retry": "false"},
            )


def closing() -> RefusedError:
    """Return the error response of a server that is stopping."""
    return RefusedError(503, "The server is stopping.", kind=OVERLOADED, code="stopping", headers={"Retry-After": "5"})


def _advance(work: Iterator[T], clock: Callable[[], float]) -> tuple[list[T], bool]:
    """Return the items that ``work`` yields within a time slice, and whether it is done."""
    items: list[T] = []
    until = clock() + TIME_SLICE
    for item in work:
        items.append(item)
        if clock() >= until:
            return items, False
    return items, True
