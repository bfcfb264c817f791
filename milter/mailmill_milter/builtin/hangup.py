"""Noticing that an MTA has hung up while what it sent before is still to be read."""

from __future__ import annotations

import select
import socket


class HangUp:
    """Knows whether the other side of a socket has closed it.

    An MTA that has waited for too long tells its client to try again, and closes. Its message may stand whole
    in the socket's buffer then, and must not be taken.
    """

    def __init__(self) -> None:
        self._poll = select.poll()

    def watch(self, connected: socket.socket) -> None:
        """Look at this socket."""
        self._poll.register(connected, select.POLLRDHUP)

    def __call__(self) -> bool:
        """Say whether the other side has hung up by now."""
        return bool(self._poll.poll(0))
