"""The heartbeat of a scan worker: edges see by it that what it has in hand is still in hand."""

from __future__ import annotations

import logging
import os
import secrets
import threading
import time
from typing import Final

import redis

from mailmill.connection import connect
from mailmill.keys import alive_key
from mailmill.naming import worker_name
from mailmill.scannotes import ALIVE_SECONDS

log = logging.getLogger(__name__)

#: Seconds between beats: two may fail before the key expires.
INTERVAL: Final = ALIVE_SECONDS / 3
#: This worker. Made when the parent process is started; its pool processes inherit it with the fork.
WORKER: Final = f"{worker_name('scan')}.{os.getpid()}.{secrets.token_hex(4)}"


class Heartbeat:
    """A thread of the worker's parent process that keeps a key in Redis alive; it ends with the process."""

    def __init__(self, url: str) -> None:
        """Beat in the Redis of a URL."""
        self._client = connect(url)
        self._thread = threading.Thread(target=self._run, name="heartbeat", daemon=True)

    def start(self) -> None:
        """Start to beat."""
        self._thread.start()

    def _run(self) -> None:
        reachable = True
        while True:
            try:
                self._client.set(alive_key(WORKER), b"1", ex=ALIVE_SECONDS)
                reachable = True
            except redis.RedisError as exc:
                if reachable:
                    log.warning("no heartbeat: %s", exc)
                reachable = False
            time.sleep(INTERVAL if reachable else 1.0)
