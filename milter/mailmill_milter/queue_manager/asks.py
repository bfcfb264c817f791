"""Deliveries that another worker holds: when each is asked for again, alone and without a new scan."""

from __future__ import annotations

from typing import Final

#: Seconds beyond the end of a claim: the clocks of Redis and of this host need not agree on a tick.
MARGIN: Final = 0.2


class Asks:
    """Which deliveries to ask for again, and when (monotonic clock)."""

    def __init__(self) -> None:
        self._due: dict[str, float] = {}

    def add(self, delivery_id: str, when: float) -> None:
        """Ask for a delivery at `when`, or earlier if that was said before."""
        self._due[delivery_id] = min(when + MARGIN, self._due.get(delivery_id, when + MARGIN))

    def take(self, now: float) -> list[str]:
        """Return and forget those whose time has come."""
        ready = [delivery_id for delivery_id, when in self._due.items() if when <= now]
        for delivery_id in ready:
            del self._due[delivery_id]
        return ready

    def next_due(self) -> float | None:
        """Return when the next one is due."""
        return min(self._due.values(), default=None)
