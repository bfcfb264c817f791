"""One way to connect to Redis: bounded waits, so that nothing hangs for ever on a dead connection (R3)."""

from __future__ import annotations

from typing import Any, Final

import redis

#: Seconds to wait for a connection.
CONNECT_TIMEOUT: Final = 5.0
#: Seconds to wait for an answer; longer than the longest blocking read (`BLOCK`).
SOCKET_TIMEOUT: Final = 15.0
#: Seconds of silence after which a connection is checked before use.
HEALTH_CHECK_INTERVAL: Final = 25


def socket_options() -> dict[str, Any]:
    """Return the options that Celery's broker connection and our own share."""
    return {
        "socket_connect_timeout": CONNECT_TIMEOUT,
        "socket_timeout": SOCKET_TIMEOUT,
        "socket_keepalive": True,
        "health_check_interval": HEALTH_CHECK_INTERVAL,
    }


def connect(url: str) -> redis.Redis:
    """Return a client for the Redis of a URL; it connects at the first command.

    Raises:
        ValueError: the URL is not one of Redis.
    """
    options = socket_options()
    if url.startswith("unix:"):
        del options["socket_keepalive"]
    client: redis.Redis = redis.Redis.from_url(url, **options)
    return client
