"""One batch's use of the cache: looked up together, asked once for each question, kept together."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from mailmill.findings import Answer
from mailmill_workers.verdicts.answers import read, write
from mailmill_workers.verdicts.store import Kept, VerdictStore


class BatchVerdicts:
    """Belongs to one event loop. Questions of the same moment go to Redis in one round trip."""

    def __init__(self, store: VerdictStore) -> None:
        """Nothing is asked yet."""
        self._store = store
        self._wanted: dict[str, asyncio.Future[bytes | None]] = {}
        #: Questions of this batch: their answer when it can be shared, else None.
        self._asked: dict[str, asyncio.Future[Answer | None]] = {}
        self._new: dict[str, Kept] = {}
        self._fetching: set[asyncio.Task[None]] = set()

    async def answer(
        self, key: str, kind: Any, ask: Callable[[], Awaitable[Answer]], life: Callable[[Answer], int]
    ) -> tuple[Answer, bool]:
        """Return the answer to a question and whether the cache gave it.

        Args:
            key: of the question.
            kind: what answers to it are (a union of Structs).
            ask: asks the engine.
            life: for how many seconds an answer is kept; 0: not at all, and nobody else gets it.
        """
        other = self._asked.get(key)
        if other is not None:
            # An identical message of the same batch is being asked for; after an answer that cannot be
            # shared, everyone asks.
            shared = await other
            return (await ask(), False) if shared is None else (shared, True)
        mine: asyncio.Future[Answer | None] = asyncio.get_running_loop().create_future()
        self._asked[key] = mine
        try:
            kept = read(await self._look_up(key), kind)
            # The one who keeps decides for how long; the one who reads, whether it is kept at all.
            if kept is not None and life(kept) > 0:
                mine.set_result(kept)
                return kept, True
            answer = await ask()
            seconds = life(answer)
            if seconds > 0:
                self._new[key] = Kept(write(answer), seconds)
                mine.set_result(answer)
            return answer, False
        finally:
            if not mine.done():
                mine.set_result(None)

    async def close(self) -> None:
        """Keep what was learned."""
        new, self._new = self._new, {}
        if new:
            await asyncio.to_thread(self._store.put, new)

    async def _look_up(self, key: str) -> bytes | None:
        loop = asyncio.get_running_loop()
        if not self._wanted:
            loop.call_soon(self._fetch_soon)
        future: asyncio.Future[bytes | None] = loop.create_future()
        self._wanted[key] = future
        return await future

    def _fetch_soon(self) -> None:
        wanted, self._wanted = self._wanted, {}
        task = asyncio.get_running_loop().create_task(self._fetch(wanted))
        self._fetching.add(task)
        task.add_done_callback(self._fetching.discard)

    async def _fetch(self, wanted: dict[str, asyncio.Future[bytes | None]]) -> None:
        found: list[bytes | None] = [None] * len(wanted)
        try:
            found = await asyncio.to_thread(self._store.get, list(wanted))
        finally:
            for future, value in zip(wanted.values(), found, strict=True):
                if not future.done():
                    future.set_result(value)
