"""The published configuration in Redis: the publication in force, the last ones, and the files of each."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Final, cast

import redis

from mailmill.configuration.publication import Publication
from mailmill.keys import CONFIGURATION, CONFIGURATIONS, configuration_key
from mailmill.records import decode, encode

#: Makes a publication from the one in force.
_Change = Callable[[redis.client.Pipeline, Publication | None], Publication]

#: How many publications Redis remembers, with their files: it has its memory for mail.
KEPT: Final = 10


class PublishedConfigurations:
    """Publishes and finds publications. Every method raises `redis.RedisError` when Redis cannot be used."""

    def __init__(self, client: redis.Redis) -> None:
        """Use `client`."""
        self._client = client

    def current(self) -> Publication | None:
        """Return the publication in force; None: there is none.

        Raises:
            RecordError: Redis holds something else under its name.
        """
        found = cast("bytes | None", self._client.get(CONFIGURATION))
        return None if found is None else decode(found, Publication)

    def packed(self, version: str) -> bytes | None:
        """Return the packed files of a version; None: Redis does not have them."""
        return cast("bytes | None", self._client.get(configuration_key(version)))

    def last(self) -> tuple[Publication, ...]:
        """Return the last publications, the newest first.

        Raises:
            RecordError: Redis holds something else under their name.
        """
        found: Any = self._client.zrevrange(CONFIGURATIONS, 0, -1)
        return tuple(decode(each, Publication) for each in found)

    def publish(self, version: str, who: str, files: int, size: int, packed: bytes) -> Publication:
        """Put a version into force, and return its publication.

        Raises:
            RecordError: Redis holds something else under the name of publications.
        """

        def change(pipe: redis.client.Pipeline, before: Publication | None) -> Publication:
            seconds, microseconds = pipe.time()
            now = seconds * 1000 + microseconds // 1000
            return Publication(max(now, before.number + 1 if before else 0), version, who, files, size)

        return self._change(change, packed)

    def restore(self, publication: Publication, packed: bytes) -> Publication:
        """Put a publication back that Redis has lost; return the one in force, which may be a newer one.

        Raises:
            RecordError: Redis holds something else under the name of publications.
        """

        def change(_: redis.client.Pipeline, before: Publication | None) -> Publication:
            return before if before and before.number >= publication.number else publication

        return self._change(change, packed)

    def _change(self, change: _Change, packed: bytes) -> Publication:
        """Put what `change` makes of the publication in force into its place, with its files, all at once."""

        def transaction(pipe: Any) -> Any:
            found = pipe.get(CONFIGURATION)
            before: Publication | None = None if found is None else decode(found, Publication)
            publication = change(pipe, before)
            older = pipe.zrevrange(CONFIGURATIONS, 0, -1)
            pipe.multi()
            if publication == before:
                return publication
            kept, dropped = _sorted_out(older, publication)
            pipe.set(configuration_key(publication.version), packed)
            pipe.set(CONFIGURATION, encode(publication))
            pipe.zadd(CONFIGURATIONS, {encode(publication): publication.number})
            for record in dropped:
                pipe.zrem(CONFIGURATIONS, encode(record))
            for version in {each.version for each in dropped} - {each.version for each in kept}:
                pipe.delete(configuration_key(version))
            return publication

        # Done again when somebody else has published meanwhile.
        return cast(
            "Publication",
            self._client.transaction(transaction, CONFIGURATION, CONFIGURATIONS, value_from_callable=True),
        )


def _sorted_out(older: Iterable[bytes], newest: Publication) -> tuple[list[Publication], list[Publication]]:
    """Return the publications that are kept beside the newest and it, and those that are dropped.

    Raises:
        RecordError: one is none.
    """
    records = [newest, *(decode(each, Publication) for each in older)]
    return records[:KEPT], records[KEPT:]
