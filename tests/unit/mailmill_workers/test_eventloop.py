import asyncio

import pytest

from mailmill_workers import eventloop


def test_all_runs_of_a_process_share_one_loop():
    async def loop():
        return asyncio.get_running_loop()

    assert eventloop.run(loop()) is eventloop.run(loop())


def test_what_a_failed_run_left_behind_is_cancelled():
    ended = []

    async def forgotten():
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            ended.append("cancelled")
            raise

    async def fail():
        task = asyncio.create_task(forgotten())
        await asyncio.sleep(0)
        raise ValueError(task.get_name())

    with pytest.raises(ValueError, match="Task"):
        eventloop.run(fail())
    assert ended == ["cancelled"]
