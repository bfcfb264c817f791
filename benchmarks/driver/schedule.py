"""Which message is next, and when."""

from __future__ import annotations


class Schedule:
    """Numbers the messages; with a rate, each has its turn.

    Args:
        count: Messages in all.
        rate: Messages a second; 0: each is due when somebody asks.
        start: Seconds of the clock at which the first one is due.
    """

    def __init__(self, count: int, rate: float, start: float) -> None:
        self._count = count
        self._rate = rate
        self._start = start
        self._next = 0

    @property
    def over(self) -> bool:
        """Whether all were given out."""
        return self._next >= self._count

    def take(self, now: float) -> tuple[int, float] | None:
        """Return a message and when it was due, or None when none is due."""
        if self.over or self.due(now) > now:
            return None
        number, due = self._next, self.due(now)
        self._next += 1
        return number, due

    def due(self, now: float) -> float:
        """Return when the next one is due."""
        return self._start + self._next / self._rate if self._rate else now
