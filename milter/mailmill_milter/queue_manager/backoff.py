"""When to try again (R16): a message waits as long as it is old, within two limits, as in Postfix's qmgr."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Backoff:
    """`clamp(age, minimum, maximum)` in seconds (Postfix: src/qmgr/qmgr_active.c)."""

    minimum: float
    maximum: float
    #: Seconds after which a message is not tried any more.
    lifetime: float

    def next_attempt(self, arrival: float, now: float) -> float:
        """Return when a message that arrived at `arrival` is tried next, in seconds since the epoch."""
        age = max(0.0, now - arrival)
        return now + min(max(age, self.minimum), self.maximum)

    def expired(self, arrival: float, now: float) -> bool:
        """Tell whether a message has been tried for long enough."""
        return now - arrival > self.lifetime
