"""Claims of a Redis that may have forgotten: nothing is submitted before all have told it what they know.

A Redis that comes back as it was seconds ago hands out tasks again that were done since, without the marks
that say so. The deliver processes write the marks anew within a second or two, and an edge says when all have
(`keys.SETTLED`).
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from typing import Final

from mailmill.delivery import Delivery
from mailmill.ledger import Claim, Ledger, UnsettledError

log = logging.getLogger(__name__)

#: Seconds after which it is not waited for any more: no edge may run that could say so. Longer than an edge
#: waits for a deliver process that says nothing (`losses.LOSS_GRACE`, 20 s).
PATIENCE: Final = 30.0
#: Seconds between tries.
_PAUSE: Final = 0.3


class SettledClaims:
    """Asks for claims, and waits while they would say nothing."""

    def __init__(
        self,
        ledger: Ledger,
        sleep: Callable[[float], None] = time.sleep,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """Ask `ledger`."""
        self._ledger = ledger
        self._sleep = sleep
        self._monotonic = monotonic
        #: The marker that is waited for, or not any more, and until when it is.
        self._marker = ""
        self._until = 0.0

    def __call__(self, deliveries: Sequence[Delivery]) -> Sequence[Claim]:
        """Return the claims, as `Ledger.claim_all` does; blocks for up to `PATIENCE` seconds.

        Raises:
            redis.RedisError: Redis cannot be used.
        """
        while True:
            try:
                return self._ledger.claim_settled(deliveries)
            except UnsettledError as exc:
                if exc.marker != self._marker:
                    log.warning("Redis may have lost data: nothing is submitted until it knows it again")
                    self._marker, self._until = exc.marker, self._monotonic() + PATIENCE
                if self._monotonic() >= self._until:
                    return self._ledger.claim_all(deliveries)
                self._sleep(_PAUSE)
