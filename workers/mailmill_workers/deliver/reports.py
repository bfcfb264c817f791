"""Reports that leave while a batch is still at work: nothing waits for the slowest of its neighbours."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from mailmill.messagelog.events import Event
from mailmill.outcomes import Outcome
from mailmill.reporter import Reporter
from mailmill_workers.insistence import Pause, insist


class Reports:
    """Collects the reports to one edge, and sends what has come together when the last sending is done."""

    def __init__(self, reporter: Reporter, edge: str, pause: Pause = asyncio.sleep) -> None:
        """Start sending; call this in a running event loop, and `close` at the end."""
        self._reporter = reporter
        self._edge = edge
        self._pause = pause
        self._outcomes: list[Outcome] = []
        self._events: list[Event] = []
        self._more = asyncio.Event()
        self._closed = False
        self._task = asyncio.create_task(self._run())

    def add(self, outcomes: Sequence[Outcome], events: Sequence[Event]) -> None:
        """Report these soon; `close` tells whether it worked."""
        self._outcomes += outcomes
        self._events += events
        self._more.set()

    async def close(self) -> None:
        """Report the rest.

        Raises:
            redis.RedisError: some of the reports could not be sent.
        """
        self._closed = True
        self._more.set()
        await self._task

    async def _run(self) -> None:
        while True:
            await self._more.wait()
            self._more.clear()
            outcomes, self._outcomes = tuple(self._outcomes), []
            events, self._events = tuple(self._events), []
            if outcomes or events:
                await self._send(outcomes, events)
            elif self._closed:
                return
            if self._closed:
                self._more.set()

    async def _send(self, outcomes: tuple[Outcome, ...], events: tuple[Event, ...]) -> None:
        await insist(lambda: self._reporter.report(self._edge, outcomes, events), self._pause)
