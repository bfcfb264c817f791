"""Servers that hang: remembered by the process, so that not every batch waits for them again.

A server that refuses costs nothing and is asked every time. One that takes connections and says nothing costs
a scan process its whole time limit, and with it mail that does not need that server. After a few such
silences in a row it is left alone for a while; then a single question with little time tries it.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final, Generic, TypeVar

A = TypeVar("A")

#: Time limits in a row that ran out before a server is left alone; more than one, because a single message
#: may be too much for an engine that is well.
ENOUGH: Final = 3
#: Seconds for which it is left alone.
REST: Final = 10.0
#: Seconds that the question which tries it may take; engines that are well take well under one.
TRIAL: Final = 5.0


class Silence(Generic[A]):
    """What one process knows of the servers of one engine."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        """Nothing is known yet."""
        self._monotonic = monotonic
        self._in_a_row: dict[A, int] = {}
        self._rests_until: dict[A, float] = {}

    def limit(self, server: A, usual: float) -> float:
        """Return how many seconds the next question to a server may take; 0: do not ask it now."""
        until = self._rests_until.get(server)
        if until is None:
            return usual
        now = self._monotonic()
        if now < until:
            return 0.0
        # The one who asks now tries it for all.
        self._rests_until[server] = now + TRIAL + REST
        return min(usual, TRIAL)

    def spoke(self, server: A) -> None:
        """The server gave an answer, or at least refused: it does not hang."""
        self._in_a_row.pop(server, None)
        self._rests_until.pop(server, None)

    def silent(self, server: A) -> bool:
        """The server let the time run out; tell whether this made it one that is left alone."""
        self._in_a_row[server] = self._in_a_row.get(server, 0) + 1
        if self._in_a_row[server] < ENOUGH:
            return False
        news = server not in self._rests_until
        self._rests_until[server] = self._monotonic() + REST
        return news
