"""The processes of the milter on libmilter, which serves each connection with a thread."""

from __future__ import annotations

import errno
import os
import socket
import threading
from collections.abc import Callable
from pathlib import Path

import Milter

from mailmill_milter.front import BACKLOG, Address, drain
from mailmill_milter.inhand import InHand
from mailmill_milter.libmilter.callbacks import Callbacks
from mailmill_milter.libmilter.quickack import QuickAck
from mailmill_milter.session import Edge


class LibmilterFront:
    """Lets libmilter speak the milter protocol."""

    def __init__(self, edge: Callable[[], Edge], port: int) -> None:
        """Serve for the edge that is returned; `port` is the TCP port, 0 for a unix socket."""
        self._edge = edge
        Callbacks(edge, QuickAck(port)).install()

    def listen(self, address: Address) -> None:
        """Open the listening socket.

        Raises:
            OSError: the system refuses.
        """
        # libmilter tells its reason only to syslog: find it out before.
        if isinstance(address, str):
            with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
                probe.bind(address)
                Path(address).unlink()
            _listen(f"unix:{address}")
            return
        host, port = address
        family, word = (socket.AF_INET6, "inet6") if ":" in host else (socket.AF_INET, "inet")
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
            probe.listen()
        _listen(f"{word}:{port}@{host}")

    def serve(self, stop: int) -> None:
        """Serve in a child until the descriptor `stop` comes to its end.

        libmilter's own way to stop (SIGTERM, or its stop function) cuts off messages in hand: Debian builds
        it with a pool of threads that stops with the listener. So a thread waits until nothing is in hand and
        exits.
        """
        in_hand = self._edge().in_hand
        threading.Thread(target=_end_when_told, args=(in_hand, stop), daemon=True).start()
        Milter.main()


def _listen(spec: str) -> None:
    try:
        Milter.setconn(spec)
        Milter.setbacklog(BACKLOG)
        Milter.opensocket(True)  # noqa: FBT003 - pymilter takes it by position only
    except Milter.error as exc:
        raise OSError(errno.EIO, f"{exc} {spec} (libmilter logs the reason to syslog)") from exc


def _end_when_told(in_hand: InHand, stop: int) -> None:
    os.read(stop, 1)
    drain(in_hand)
    os._exit(0)
