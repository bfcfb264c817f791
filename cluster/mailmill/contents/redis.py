"""Contents in Redis: for workers that share nothing else with the edges."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Self, cast

import redis

from mailmill.connection import connect
from mailmill.errors import ContentsError
from mailmill.keys import contents_key


class RedisContents:
    """A `ContentsStore` in Redis; every item expires after `lifetime` seconds, as a last resort."""

    def __init__(self, client: redis.Redis, lifetime: int) -> None:
        self._client = client
        self._lifetime = lifetime

    @classmethod
    def from_url(cls, url: str, lifetime: int) -> Self:
        """Return the store in the Redis of a URL; nothing is connected yet."""
        return cls(connect(url), lifetime)

    def put(self, items: Mapping[str, bytes]) -> None:
        """See `ContentsStore`."""
        try:
            with self._client.pipeline(transaction=False) as pipe:
                for key, data in items.items():
                    pipe.set(contents_key(key), data, ex=self._lifetime)
                pipe.execute()
        except redis.RedisError as exc:
            raise ContentsError(f"cannot store {len(items)} items in Redis: {exc}") from exc

    def get(self, keys: Iterable[str]) -> dict[str, bytes]:
        """See `ContentsStore`."""
        wanted = list(keys)
        if not wanted:
            return {}
        try:
            # Typed as bytes or text, which depends on an option that is not used here.
            values = cast("list[bytes | None]", self._client.mget([contents_key(key) for key in wanted]))
        except redis.RedisError as exc:
            raise ContentsError(f"cannot fetch {len(wanted)} items from Redis: {exc}") from exc
        return {key: value for key, value in zip(wanted, values, strict=True) if value is not None}

    def remove(self, keys: Iterable[str]) -> None:
        """See `ContentsStore`."""
        wanted = [contents_key(key) for key in keys]
        if not wanted:
            return
        try:
            self._client.unlink(*wanted)
        except redis.RedisError as exc:
            raise ContentsError(f"cannot remove {len(wanted)} items from Redis: {exc}") from exc
