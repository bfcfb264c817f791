"""What serves the milter protocol: ourselves or libmilter (`Milter Library`)."""

from __future__ import annotations

import logging
from typing import Final, Protocol

from mailmill_milter.inhand import InHand

log = logging.getLogger(__name__)

#: Connections that may wait to be accepted; the kernel's limit is net.core.somaxconn (4096 since Linux 5.4).
#: Postfix has up to 100 smtpd processes (default_process_limit) for each service.
BACKLOG: Final = 1024
#: Seconds that a child which is told to stop gives the messages in hand. A client that takes longer is told
#: to try again. Well below systemd's TimeoutStopSec (90 s).
GRACE: Final = 20.0

#: The path of a unix socket, or an IP address and a port.
Address = str | tuple[str, int]


def drain(in_hand: InHand) -> None:
    """Wait for the messages in hand, and tell the log of those that take longer than `GRACE`."""
    left = in_hand.drain(GRACE)
    if left:
        log.warning("%d messages in hand are left to their senders to try again", left)


class Front(Protocol):
    """Listens in the parent, and serves in each of its children."""

    def listen(self, address: Address) -> None:
        """Open the listening socket.

        Raises:
            OSError: the system refuses.
        """

    def serve(self, stop: int) -> None:
        """Serve until the descriptor `stop` comes to its end, and the messages in hand to theirs."""
