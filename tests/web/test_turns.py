"""Who is worked for, who waits, and for how long."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from nextchar.web.refusals import ClientGoneError, RefusedError
from nextchar.web.turns import SLICE, Turns


class Clock:
    """Seconds that pass when they are told to."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def run(test: Callable[[Turns, Clock], Awaitable[None]], most: int = 1, waiting: int = 2, seconds: float = 10) -> None:
    """Do ``test`` with turns of one thread."""

    async def whole() -> None:
        clock = Clock()
        with ThreadPoolExecutor(1) as pool:
            await asyncio.wait_for(test(Turns(pool, most, waiting, seconds, clock), clock), 60)

    asyncio.run(whole())


async def soon() -> None:
    """Let every task go on to where it waits."""
    for _ in range(10):
        await asyncio.sleep(0)


def test_turns_come_in_the_order_asked_for() -> None:
    async def test(turns: Turns, _: Clock) -> None:
        order: list[int] = []

        async def ask(number: int) -> None:
            async with turns.turn():
                order.append(number)

        first = await turns.enter()
        asked = [asyncio.create_task(ask(number)) for number in range(4)]
        await soon()
        assert (turns.running, turns.waiting, order) == (1, 4, [])
        first.leave()
        first.leave()  # once and for all
        await asyncio.gather(*asked)
        assert (turns.running, turns.waiting, order) == (0, 0, [0, 1, 2, 3])

    run(test, waiting=4)


def test_more_than_may_wait_are_sent_away() -> None:
    async def test(turns: Turns, _: Clock) -> None:
        await turns.enter()
        waiting = [asyncio.create_task(turns.enter()) for _ in range(2)]
        await soon()
        with pytest.raises(RefusedError, match="2 wait, the limit") as caught:
            await turns.enter()
        assert caught.value.status == 503
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
        assert (turns.running, turns.waiting) == (1, 0)

    run(test)


def test_who_waited_too_long_leaves_the_row() -> None:
    async def test(turns: Turns, _: Clock) -> None:
        first = await turns.enter()
        with pytest.raises(RefusedError, match=r"waited for 0\.05 s"):
            await turns.enter()
        assert turns.waiting == 0
        first.leave()
        assert turns.running == 0

    run(test, seconds=0.05)


def test_a_turn_given_to_somebody_who_leaves_in_that_moment_goes_to_the_next() -> None:
    async def test(turns: Turns, _: Clock) -> None:
        first = await turns.enter()
        leaving, next_one = (asyncio.create_task(turns.enter()) for _ in range(2))
        await soon()
        first.leave()  # the turn is given to the one who leaves
        leaving.cancel()
        (await next_one).leave()
        assert leaving.cancelled()
        assert (turns.running, turns.waiting) == (0, 0)

    run(test)


def test_at_the_end_who_waits_is_sent_away_and_work_has_some_time_left() -> None:
    async def test(turns: Turns, clock: Clock) -> None:
        turn = await turns.enter()
        waiting = asyncio.create_task(turns.enter())
        await soon()
        turns.close(grace=2)
        with pytest.raises(RefusedError, match="being stopped"):
            await waiting
        with pytest.raises(RefusedError, match="being stopped"):
            await turns.enter()
        assert await turn.last(iter([1, 2])) == 2
        clock.now = 2
        with pytest.raises(RefusedError, match="being stopped"):
            await turn.last(iter([1, 2]))

    run(test)


def test_work_is_done_a_slice_of_time_after_another() -> None:
    async def test(turns: Turns, clock: Clock) -> None:
        def work() -> Iterator[int]:
            for number in range(5):
                clock.now += SLICE / 2
                yield number

        turn = await turns.enter()
        assert [items async for items in turn.results(work())] == [[0, 1], [2, 3], [4]]
        assert [items async for items in turn.results(iter(()))] == []

    run(test)


def test_work_that_takes_too_long_is_ended() -> None:
    async def test(turns: Turns, clock: Clock) -> None:
        def work() -> Iterator[int]:
            while True:
                clock.now += 1
                yield 0

        turn = await turns.enter()
        with pytest.raises(RefusedError, match="longer than 10 s, the limit") as caught:
            await turn.last(work())
        assert (clock.now, caught.value.status) == (10, 408)

    run(test)


def test_nothing_is_done_for_a_client_that_is_gone() -> None:
    async def test(turns: Turns, clock: Clock) -> None:
        gone = False
        done = 0

        def work() -> Iterator[None]:
            nonlocal done
            while True:
                clock.now += SLICE
                done += 1
                yield None

        async def is_gone() -> bool:
            return gone

        async def be_worked_for() -> None:
            nonlocal gone
            async with turns.turn(is_gone) as turn:
                async for _ in turn.results(work()):
                    gone = done == 3

        with pytest.raises(ClientGoneError):
            await be_worked_for()
        assert (done, turns.running) == (3, 0)

    run(test)


def test_an_error_of_the_work_is_one_of_the_turn() -> None:
    async def test(turns: Turns, _: Clock) -> None:
        def work() -> Iterator[Any]:
            yield 1
            raise ZeroDivisionError

        turn = await turns.enter()
        with pytest.raises(ZeroDivisionError):
            await turn.last(work())

    run(test)
