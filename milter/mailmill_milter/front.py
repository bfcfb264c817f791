"""What serves the milter protocol: ourselves or libmilter (`Milter Library`)."""

from __future__ import annotations

from typing import Final, Protocol

#: Connections that may wait to be accepted; the kernel's limit is net.core.somaxconn (4096 since Linux 5.4).
#: Postfix has up to 100 smtpd processes (default_process_limit) for each service.
BACKLOG: Final = 1024
#: Seconds that a child which is told to stop gives the messages in hand. A client that takes longer is told
#: to try again. Well below systemd's TimeoutStopSec (90 s).
GRACE: Final = 20.0

#: The path of a unix socket, or an IP address and a port.
Address = str | tuple[str, int]


class Front(Protocol):
    """Listens in the parent, and serves in each of its children."""

    def listen(self, address: Address) -> None:
        """Open the listening socket.

        Raises:
            OSError: the system refuses.
        """

    def serve(self, stop: int) -> None:
        """Serve until the descriptor `stop` comes to its end, and the messages in hand to theirs."""
