"""Patience with Redis: a call that is repeated while Redis cannot be used."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

import redis

from mailmill.errors import BrokerError, ContentsError

T = TypeVar("T")

#: How Redis says that it cannot be used, through each of its users.
UNUSABLE: Final = (redis.RedisError, ContentsError, BrokerError)
#: Seconds between tries when Redis cannot be used: enough for it to restart, so that what the relay has
#: confirmed is not forgotten.
PAUSES: Final = (0.2, 0.5, 1.0, 2.0, 4.0, 8.0)

Pause = Callable[[float], Awaitable[None]]


async def insist(call: Callable[[], T], pause: Pause = asyncio.sleep) -> T:
    """Return what a blocking call returns, run in a thread and repeated while Redis cannot be used.

    Raises:
        redis.RedisError, ContentsError, BrokerError: still not after all `PAUSES`.
    """
    for seconds in PAUSES:
        try:
            return await asyncio.to_thread(call)
        except UNUSABLE:
            await pause(seconds)
    return await asyncio.to_thread(call)
