"""A limit with hysteresis: without it, what is near a limit would be let in and kept out by turns."""

from __future__ import annotations

from typing import Final

#: What a limit that was reached must be left by, as a share of it.
MARGIN: Final = 0.1


class Ceiling:
    """Reached at `limit`, and left below `limit` less a margin."""

    def __init__(self, limit: float, margin: float = MARGIN) -> None:
        """Take the limit and the margin as a share of it; a limit of 0 is never reached."""
        self._limit = limit
        self._low = limit - limit * margin
        self._reached = False

    def reached(self, value: float) -> bool:
        """Say whether the limit counts as reached, given the present value."""
        self._reached = bool(self._limit) and value >= (self._low if self._reached else self._limit)
        return self._reached


class Floor:
    """Reached below `limit`, and left at `limit` and a margin."""

    def __init__(self, limit: float, margin: float = MARGIN) -> None:
        """Take the limit and the margin as a share of it."""
        self._limit = limit
        self._high = limit + limit * margin
        self._reached = False

    def reached(self, value: float) -> bool:
        """Say whether the limit counts as reached, given the present value."""
        self._reached = value < (self._high if self._reached else self._limit)
        return self._reached
