"""The cache in Redis. It never fails: without Redis, or without room in it, it only knows nothing."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, NamedTuple
from urllib.parse import urlsplit

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from mailmill.connection import socket_options
from mailmill.settings import Settings
from mailmill.settings.options.cluster import CONTENTS_URL, REDIS_URL
from mailmill.settings.options.verdicts import CACHE_SPAM_RESULTS, CACHE_URL, CACHE_VIRUS_RESULTS

log = logging.getLogger(__name__)

#: Seconds that one call may wait: longer than any engine saves would be no use.
PATIENCE: Final = 1.0
#: Seconds for which Redis is left alone after it could not be used.
REST: Final = 10.0
#: Seconds between looks at how full Redis is.
ROOM_EVERY: Final = 5.0
#: The share of Redis' memory (`maxmemory`) over which nothing more is kept: the rest is for mail.
ROOM: Final = 0.5


class Kept(NamedTuple):
    """An answer that is kept."""

    value: bytes
    #: Seconds.
    life: int


class VerdictStore:
    """One process's way to the cache; safe for threads."""

    def __init__(self, client: redis.Redis, monotonic: Callable[[], float] = time.monotonic) -> None:
        """Keep answers with `client`, which should wait only shortly, see `connect`."""
        self._client = client
        self._monotonic = monotonic
        self._rests_until = float("-inf")
        self._look_after = float("-inf")
        self._room = True

    def get(self, keys: Sequence[str]) -> list[bytes | None]:
        """Return what is kept under each key, in one round trip."""
        nothing: list[bytes | None] = [None] * len(keys)
        now = self._monotonic()
        if not keys or now < self._rests_until:
            return nothing
        look = now >= self._look_after
        try:
            with self._client.pipeline(transaction=False) as pipe:
                pipe.mget(list(keys))
                if look:
                    pipe.info("memory")
                found, *memory = pipe.execute(raise_on_error=False)
        except redis.RedisError as exc:
            self._rest(exc)
            return nothing
        if look:
            self._look_after = now + ROOM_EVERY
            self._room = has_room(memory[0])
        if not isinstance(found, list) or len(found) != len(keys):
            self._rest(found)
            return nothing
        return found

    def put(self, items: Mapping[str, Kept]) -> None:
        """Keep answers, in one round trip; when that cannot be, they are forgotten."""
        if not items or not self._room or self._monotonic() < self._rests_until:
            return
        try:
            with self._client.pipeline(transaction=False) as pipe:
                for key, kept in items.items():
                    pipe.set(key, kept.value, ex=kept.life)
                said = pipe.execute(raise_on_error=False)
        except redis.RedisError as exc:
            self._rest(exc)
            return
        refused = [one for one in said if isinstance(one, Exception)]
        if refused:
            self._rest(refused[0])

    def _rest(self, fault: object) -> None:
        log.warning("the verdict cache is not used for %g s: %s", REST, fault)
        self._rests_until = self._monotonic() + REST


def has_room(memory: Any) -> bool:
    """Say whether Redis has room for more, from its `INFO memory`; what it does not tell is no hindrance."""
    if not isinstance(memory, dict):
        return True
    used, most = memory.get("used_memory"), memory.get("maxmemory")
    return not isinstance(used, int) or not isinstance(most, int) or most <= 0 or used <= ROOM * most


def cache_url(settings: Settings) -> str | None:
    """Return the URL of the Redis that keeps answers; None when the settings want none to be kept."""
    spam = settings.rule(CACHE_SPAM_RESULTS)
    if not settings[CACHE_VIRUS_RESULTS] and spam.is_constant and not spam.default:
        return None
    contents = settings[CONTENTS_URL]
    shared = contents if urlsplit(contents).scheme in {"redis", "rediss", "unix"} else settings[REDIS_URL]
    return settings[CACHE_URL] or shared


def connect(url: str) -> redis.Redis:
    """Return a client that waits at most `PATIENCE` for a connection or an answer, and tries once.

    Raises:
        ValueError: the URL is not one of Redis.
    """
    options = socket_options() | {
        "socket_connect_timeout": PATIENCE,
        "socket_timeout": PATIENCE,
        "retry": Retry(NoBackoff(), 0),
    }
    if url.startswith("unix:"):
        del options["socket_keepalive"]
    client: redis.Redis = redis.Redis.from_url(url, **options)
    return client
