"""Who is worked for, who waits, and for how long."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from nextchar.web.errors import ClientGoneError, RefusedError
from nextchar.web.scheduler import TIME_SLICE, Scheduler


class Clock:
    """Seconds that pass when they are told to."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def run(
    test: Callable[[Scheduler, Clock], Awaitable[None]], most: int = 1, waiting: int = 2, seconds: float = 10
) -> None:
    """Do ``test`` with turns of one thread."""

    async def whole() -> None:
        clock = Clock()
        with ThreadPoolExecutor(1) as pool:
            await asyncio.wait_for(test(Scheduler(pool, most, waiting, seconds, clock), clock), 60)

    asyncio.run(whole())


async def soon() -> None:
    """Let every task go on to where it waits."""
    for _ in range(10):
        await asyncio.sleep(0)


def test_turns_come_in_the_order_asked_for() -> None:
    async def test(scheduler: Scheduler, _: Clock) -> None:
        order: list[int] = []

        async def ask(number: int) -> None:
            async with scheduler.slot():
                order.append(number)

        first = await scheduler.acquire()
        asked = [asyncio.create_task(ask(number)) for number in range(4)]
        await soon()
        assert (scheduler.running, scheduler.waiting, order) == (1, 4, [])
        first.release()
        first.release()  # once and for all
        await asyncio.gather(*asked)
        assert (scheduler.running, scheduler.waiting, order) == (0, 0, [0, 1, 2, 3])

    run(test, waiting=4)


def test_more_than_may_wait_are_sent_away() -> None:
    async def test(scheduler: Scheduler, _: Clock) -> None:
        await scheduler.acquire()
        waiting = [asyncio.create_task(scheduler.acquire()) for _ in range(2)]
        await soon()
        with pytest.raises(RefusedError, match="2 waiting, the limit") as caught:
            await scheduler.acquire()
        assert caught.value.status == 503
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
        assert (scheduler.running, scheduler.waiting) == (1, 0)

    run(test)


def test_who_waited_too_long_leaves_the_row() -> None:
    async def test(scheduler: Scheduler, _: Clock) -> None:
        first = await scheduler.acquire()
        with pytest.raises(RefusedError, match=r"waited for 0\.05 s"):
            await scheduler.acquire()
        assert scheduler.waiting == 0
        first.release()
        assert scheduler.running == 0

    run(test, seconds=0.05)


def test_a_turn_given_to_somebody_who_leaves_in_that_moment_goes_to_the_next() -> None:
    async def test(scheduler: Scheduler, _: Clock) -> None:
        first = await scheduler.acquire()
        leaving, next_one = (asyncio.create_task(scheduler.acquire()) for _ in range(2))
        await soon()
        first.release()  # the turn is given to the one who leaves
        leaving.cancel()
        (await next_one).release()
        assert leaving.cancelled()
        assert (scheduler.running, scheduler.waiting) == (0, 0)

    run(test)


def test_at_the_end_who_waits_is_sent_away_and_work_has_some_time_left() -> None:
    async def test(scheduler: Scheduler, clock: Clock) -> None:
        slot = await scheduler.acquire()
        waiting = asyncio.create_task(scheduler.acquire())
        await soon()
        scheduler.close(grace=2)
        with pytest.raises(RefusedError, match="is stopping"):
            await waiting
        with pytest.raises(RefusedError, match="is stopping"):
            await scheduler.acquire()
        assert await slot.last(iter([1, 2])) == 2
        clock.now = 2
        with pytest.raises(RefusedError, match="is stopping"):
            await slot.last(iter([1, 2]))

    run(test)


def test_work_is_done_a_slice_of_time_after_another() -> None:
    async def test(scheduler: Scheduler, clock: Clock) -> None:
        def work() -> Iterator[int]:
            for number in range(5):
                clock.now += TIME_SLICE / 2
                yield number

        slot = await scheduler.acquire()
        assert [items async for items in slot.results(work())] == [[0, 1], [2, 3], [4]]
        assert [items async for items in slot.results(iter(()))] == []

    run(test)


def test_work_that_takes_too_long_is_ended() -> None:
    async def test(scheduler: Scheduler, clock: Clock) -> None:
        def work() -> Iterator[int]:
            while True:
                clock.now += 1
                yield 0

        slot = await scheduler.acquire()
        with pytest.raises(RefusedError, match="longer than 10 s, the limit") as caught:
            await slot.last(work())
        assert (clock.now, caught.value.status) == (10, 408)

    run(test)


def test_nothing_is_done_for_a_client_that_is_gone() -> None:
    async def test(scheduler: Scheduler, clock: Clock) -> None:
        gone = False
        done = 0

        def work() -> Iterator[None]:
            nonlocal done
            while True:
                clock.now += TIME_SLICE
                done += 1
                yield None

        async def is_gone() -> bool:
            return gone

        async def be_worked_for() -> None:
            nonlocal gone
            async with scheduler.slot(is_gone) as slot:
                async for _ in slot.results(work()):
                    gone = done == 3

        with pytest.raises(ClientGoneError):
            await be_worked_for()
        assert (done, scheduler.running) == (3, 0)

    run(test)


def test_an_error_of_the_work_is_one_of_the_turn() -> None:
    async def test(scheduler: Scheduler, _: Clock) -> None:
        def work() -> Iterator[Any]:
            yield 1
            raise ZeroDivisionError

        slot = await scheduler.acquire()
        with pytest.raises(ZeroDivisionError):
            await slot.last(work())

    run(test)
