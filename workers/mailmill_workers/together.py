"""Group commit for coroutines: what several of them want of a blocking service goes there in one call."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

from mailmill_workers.insistence import Pause, insist

T = TypeVar("T")
R = TypeVar("R")


class Together(Generic[T, R]):
    """Calls a function with the items that have come while the last call was under way.

    The calls are made in a thread, one at a time, and repeated while Redis cannot be used.
    """

    def __init__(self, call: Callable[[Sequence[T]], Sequence[R]], pause: Pause = asyncio.sleep) -> None:
        """Call `call`, which returns a result for each item, in their order."""
        self._call = call
        self._pause = pause
        self._waiting: list[tuple[T, asyncio.Future[R]]] = []
        self._task: asyncio.Task[None] | None = None

    async def __call__(self, item: T) -> R:
        """Return the result for one item.

        Raises:
            Exception: whatever the call with this item among others raised in the end.
        """
        result: asyncio.Future[R] = asyncio.get_running_loop().create_future()
        self._waiting.append((item, result))
        if self._task is None:
            self._task = asyncio.create_task(self._run())
        return await result

    async def _run(self) -> None:
        while self._waiting:
            batch, self._waiting = self._waiting, []
            await self._one(batch)
        self._task = None

    async def _one(self, batch: list[tuple[T, asyncio.Future[R]]]) -> None:
        items = [item for item, _ in batch]
        try:
            results = await insist(lambda: self._call(items), self._pause)
        except Exception as exc:  # noqa: BLE001 - handed on to those who wait
            for _, waiting in batch:
                if not waiting.done():
                    waiting.set_exception(exc)
            return
        for (_, waiting), result in zip(batch, results, strict=True):
            if not waiting.done():
                waiting.set_result(result)
