import asyncio
import threading

import pytest
import redis

from mailmill_workers.together import Together


async def no_pause(_: float) -> None:
    pass


def test_what_comes_while_a_call_is_under_way_goes_in_the_next_one():
    calls = []
    entered, leave = threading.Event(), threading.Event()

    def call(items):
        calls.append(list(items))
        entered.set()
        assert leave.wait(10)
        return [item * 2 for item in items]

    async def run():
        together = Together(call)
        first = asyncio.create_task(together(1))
        await asyncio.to_thread(entered.wait, 10)
        others = [asyncio.create_task(together(number)) for number in (2, 3, 4)]
        await asyncio.sleep(0)
        leave.set()
        return await asyncio.gather(first, *others)

    assert asyncio.run(run()) == [2, 4, 6, 8]
    assert calls == [[1], [2, 3, 4]]


def test_those_who_ask_at_once_share_the_first_call():
    calls = []

    def call(items):
        calls.append(len(items))
        return items

    async def run():
        together = Together(call)
        await asyncio.gather(*(together(number) for number in range(30)))

    asyncio.run(run())
    assert calls == [30]


def test_a_redis_that_is_away_for_a_moment_is_asked_again():
    calls = []

    def call(items):
        calls.append(list(items))
        if len(calls) == 1:
            raise redis.ConnectionError("down")
        return items

    async def run():
        return await Together(call, no_pause)("a")

    assert asyncio.run(run()) == "a"
    assert calls == [["a"], ["a"]]


def test_an_error_is_raised_for_everybody_and_the_next_call_is_made_all_the_same():
    def call(items):
        if "bad" in items:
            raise ValueError("bad")
        return items

    async def run():
        together = Together(call, no_pause)
        results = await asyncio.gather(together("good"), together("bad"), return_exceptions=True)
        return [*map(type, results), await together("good")]

    assert asyncio.run(run()) == [ValueError, ValueError, "good"]


def test_one_who_is_cancelled_does_not_stop_the_others():
    async def run():
        together = Together(lambda items: items, no_pause)
        gone, stays = asyncio.create_task(together(1)), asyncio.create_task(together(2))
        await asyncio.sleep(0)
        gone.cancel()
        with pytest.raises(asyncio.CancelledError):
            await gone
        return await stays

    assert asyncio.run(run()) == 2
