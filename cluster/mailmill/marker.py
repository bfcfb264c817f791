"""The marker: a random value in Redis, and the server's own name for its present life.

Another random value than before means that Redis has lost its data. The same value from a server that was
started meanwhile, or from another one, means that it may have lost the last of it, although it had confirmed
that: a host that crashes with `appendfsync everysec`, a replica that is promoted while it lags.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Any, Final, cast

import redis

from mailmill.keys import MARKER

#: The section of INFO that has `run_id`: another one after each start.
SERVER: Final = "server"


def current_marker(client: redis.Redis) -> str:
    """Return the marker; its random part is set when it is missing.

    Raises:
        redis.RedisError: Redis cannot be used.
    """
    value = cast("bytes | None", client.get(MARKER))
    if value is None:
        client.set(MARKER, secrets.token_hex(8), nx=True)
        value = cast("bytes | None", client.get(MARKER))
    return marker_of(value, cast("Mapping[str, Any]", client.info(SERVER)))


def marker_of(value: bytes | None, server: Mapping[str, Any]) -> str:
    """Return the marker from what is at its key and what INFO says of the server.

    A server that does not name its life is always the same one: then only a loss of all data is noticed.
    """
    return f"{(value or b'').decode()}.{server.get('run_id', '')}"


def same_data(marker: str, other: str) -> bool:
    """Tell whether two markers are of the same data: at most the last of it is gone."""
    return marker.partition(".")[0] == other.partition(".")[0]
