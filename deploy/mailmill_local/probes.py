"""Questions to servers over loopback, each short and bounded."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

#: Seconds for one question.
PROBE_SECONDS: Final = 2.0
#: Seconds between two questions.
PROBE_INTERVAL: Final = 0.1

HOST: Final = "127.0.0.1"


def ask(address: int | Path, question: bytes, answer: bytes, goodbye: bytes = b"") -> bool:
    """Tell whether the server at a loopback port or unix socket answers `question` with `answer`.

    An empty `question` waits for a banner; an empty `answer` is content with the connection. `goodbye` ends
    the dialogue, where it is rude to hang up.
    """
    try:
        with _connect(address) as connection:
            if question:
                connection.sendall(question)
            received = b""
            while len(received) < len(answer):
                chunk = connection.recv(4096)
                if not chunk:
                    return False
                received += chunk
            if goodbye:
                connection.sendall(goodbye)
                connection.recv(4096)
            return received.startswith(answer)
    except OSError:
        return False


def _connect(address: int | Path) -> socket.socket:
    if isinstance(address, int):
        return socket.create_connection((HOST, address), timeout=PROBE_SECONDS)
    connection = socket.socket(socket.AF_UNIX)
    try:
        connection.settimeout(PROBE_SECONDS)
        connection.connect(str(address))
    except OSError:
        connection.close()
        raise
    return connection


def wait_until(condition: Callable[[], bool], seconds: float, interval: float = PROBE_INTERVAL) -> bool:
    """Ask `condition` every `interval` seconds until it is true; return False after `seconds`."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(interval)
    return True


def free_port() -> int:
    """Return a TCP port of loopback that nobody uses at this moment."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port
