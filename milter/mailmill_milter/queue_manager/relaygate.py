"""How much may go to the relay: nothing while its circuit breaker is open, then more and more.

The workers keep the breaker and say in Redis while no address of the relay may be tried. What has been
scanned waits here meanwhile, and nothing is read or sent for it. New mail is still scanned, so that it can
go the moment the relay is back, up to a limit.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

#: Deliveries that go first when the relay may be tried again; each one that it takes lets one more go, so
#: that the number doubles with every round (TCP's slow start; Postfix: initial_destination_concurrency, 5).
FIRST: Final = 2
#: The share of the window that the outgoing queue may fill: what is new must not wait for what is old.
SHARE: Final = 0.5
#: Messages in the outgoing queue from which on nothing more is scanned while the relay is held: each was
#: written to the disk a second time. The rest waits unscanned, and the limits of the edge see to it.
HELD_LIMIT: Final = 10_000


class RelayGate:
    """Says how many messages of each queue may go."""

    def __init__(self, window: int, in_flight: Callable[[], int]) -> None:
        """Share a window of so many messages; `in_flight` counts those of the outgoing queue in it."""
        self._most = max(1, int(window * SHARE))
        self._in_flight = in_flight
        self._allowed = self._most
        #: Whether no address of the relay may be tried.
        self.held = False
        #: How many messages are in the outgoing queue.
        self.kept = 0

    def resize(self, window: int) -> None:
        """Share a window of so many messages from now on."""
        grown = self._allowed == self._most
        self._most = max(1, int(window * SHARE))
        self._allowed = self._most if grown else min(self._allowed, self._most)

    def hold(self) -> None:
        """No address of the relay may be tried."""
        self.held = True
        self._allowed = min(FIRST, self._most)

    def release(self) -> None:
        """An address of the relay may be tried."""
        self.held = False

    def delivered(self) -> None:
        """The relay has taken a message."""
        if not self.held:
            self._allowed = min(self._allowed + 1, self._most)

    @property
    def outgoing(self) -> int:
        """How many more messages of the outgoing queue may go."""
        return 0 if self.held else max(0, self._allowed - self._in_flight())

    @property
    def incoming(self) -> int:
        """How many more messages of the incoming queue may go, as far as the relay is concerned."""
        if not self.held:
            return self._most * 2
        return max(0, HELD_LIMIT - self.kept)
