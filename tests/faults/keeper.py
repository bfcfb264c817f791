"""Starting again what has died, as systemd and compose do with `restart: always`."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator, Sequence
from typing import Final

from mailmill_local.servers.base import Server, ServerError

#: Seconds between the death of a program and its next start (systemd: RestartSec, 100 ms; our units: 1 s).
RESTART_SECONDS: Final = 1.0
#: Seconds between looks.
_POLL: Final = 0.1


class Keeper:
    """A thread that restarts servers whose process has ended."""

    def __init__(self, servers: Sequence[Server]) -> None:
        self._servers = list(servers)
        self._excused: set[str] = set()
        self._lock = threading.RLock()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="keeper", daemon=True)
        #: Restarts so far.
        self.restarts = 0

    def start(self) -> None:
        """Begin to watch."""
        self._thread.start()

    def stop(self) -> None:
        """Stop watching; nothing is started any more afterwards."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join()

    @contextlib.contextmanager
    def excuse(self, *servers: Server) -> Iterator[None]:
        """Leave servers alone for as long as the block runs."""
        names = {server.name for server in servers}
        with self._lock:
            self._excused |= names
        try:
            yield
        finally:
            with self._lock:
                self._excused -= names

    def _run(self) -> None:
        died: dict[str, float] = {}
        while not self._stopping.wait(_POLL):
            for server in self._servers:
                with self._lock:
                    if server.name in self._excused or not server.started:
                        died.pop(server.name, None)
                        continue
                    if server.process.exit_status is None:
                        continue
                    since = died.setdefault(server.name, time.monotonic())
                    if time.monotonic() - since < RESTART_SECONDS:
                        continue
                    del died[server.name]
                    server.stop()
                    with contextlib.suppress(ServerError):  # the next look tries again
                        server.start()
                        self.restarts += 1
