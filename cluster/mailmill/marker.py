"""The marker: a random value in Redis. Another value than before means that Redis has lost its data."""

from __future__ import annotations

import secrets
from typing import cast

import redis

from mailmill.keys import MARKER


def current_marker(client: redis.Redis) -> str:
    """Return the marker, which is set when it is missing.

    Raises:
        redis.RedisError: Redis cannot be used.
    """
    value = cast("bytes | None", client.get(MARKER))
    if value is None:
        client.set(MARKER, secrets.token_hex(8), nx=True)
        value = cast("bytes | None", client.get(MARKER))
    return (value or b"").decode()
