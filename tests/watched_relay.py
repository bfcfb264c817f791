"""A man in the middle of QMQP that tests can stop time in: it sees every submission and every reply."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from mailmill_local.probes import HOST, free_port

#: Seconds for each step of a socket.
SECONDS = 60.0


@dataclass
class Seen:
    """One submission."""

    moment: float
    recipients: tuple[str, ...]
    #: What the real relay said; empty before it has.
    reply: bytes = b""


def nothing(seen: Seen) -> None:
    pass


@dataclass
class WatchedRelay:
    """Passes submissions on to the loopback port `upstream`; `connections` counts also those without any."""

    port: int = field(default_factory=free_port)
    upstream: int = 0
    #: Called with a whole submission before it is passed on, on a thread of its own.
    arrived: Callable[[Seen], None] = nothing
    #: Called when the real relay has replied, before the worker hears of it.
    answered: Callable[[Seen], None] = nothing
    seen: list[Seen] = field(default_factory=list)
    connections: int = 0
    _listener: socket.socket | None = None

    def up(self) -> None:
        self._listener = socket.create_server((HOST, self.port), backlog=256)
        threading.Thread(target=self._serve, args=(self._listener,), daemon=True).start()

    def down(self) -> None:
        listener, self._listener = self._listener, None
        if listener is not None:
            # Closing alone would leave a thread in accept, and the port open with it.
            with contextlib.suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)
            listener.close()

    def confirmed(self, recipient: str) -> int:
        """How many times the real relay has confirmed mail for a recipient."""
        return sum(recipient in seen.recipients and seen.reply.startswith(b"K") for seen in list(self.seen))

    def asked(self, recipient: str) -> list[Seen]:
        """The submissions for a recipient."""
        return [seen for seen in list(self.seen) if recipient in seen.recipients]

    def _serve(self, listener: socket.socket) -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self._one, args=(client,), daemon=True).start()

    def _one(self, client: socket.socket) -> None:
        with client, contextlib.suppress(OSError, ValueError):
            client.settimeout(SECONDS)
            payload = _netstring(client)
            fields = _fields(payload.partition(b":")[2][:-1])
            seen = Seen(time.monotonic(), tuple(name.decode() for name in fields[2:]))
            self.seen.append(seen)
            self.arrived(seen)
            with socket.create_connection((HOST, self.upstream), SECONDS) as relay:
                relay.sendall(payload)
                reply = _netstring(relay)
            seen.reply = reply.partition(b":")[2]
            self.answered(seen)
            client.sendall(reply)


def _netstring(connection: socket.socket) -> bytes:
    data = b""
    while b":" not in data:
        data += _some(connection)
    length = data.index(b":") + int(data.partition(b":")[0]) + 2
    while len(data) < length:
        data += _some(connection)
    return data


def _some(connection: socket.socket) -> bytes:
    data = connection.recv(65_536)
    if not data:
        raise ConnectionError
    return data


def _fields(data: bytes) -> list[bytes]:
    found = []
    while data:
        length, _, data = data.partition(b":")
        found.append(data[: int(length)])
        data = data[int(length) + 1 :]
    return found
