"""Redis hashes in memory: what scan notes are kept in."""

from __future__ import annotations

import collections
import contextlib


class FakeHashes:
    """The commands on hashes that scan notes use, on a client and on a pipeline; no expiry."""

    def __init__(self) -> None:
        self.hashes: dict[str, dict[bytes, bytes]] = collections.defaultdict(dict)
        self.alive: set[str] = set()
        self.queued: list[bytes] = []
        self.round_trips = 0

    @contextlib.contextmanager
    def pipeline(self, transaction: bool = True):  # noqa: FBT001, FBT002 - redis-py's signature
        self.round_trips += 1
        yield _Pipeline(self)

    def hmget(self, key, fields):
        return [self.hashes[key].get(field.encode()) for field in fields]

    def hgetall(self, key):
        return dict(self.hashes[key])

    def hset(self, key, field=None, value=None, mapping=None):
        for name, data in (mapping or {field: value}).items():
            self.hashes[key][name.encode()] = data

    def hdel(self, key, *fields):
        for field in fields:
            self.hashes[key].pop(field.encode(), None)

    def expire(self, key, seconds):
        assert seconds > 0

    def llen(self, key):
        return len(self.queued)

    def exists(self, key):
        return int(key in self.alive)


class _Pipeline:
    def __init__(self, redis: FakeHashes) -> None:
        self._redis = redis
        self._answers: list = []

    def __getattr__(self, command):
        return lambda *args, **kwargs: self._answers.append(getattr(self._redis, command)(*args, **kwargs))

    def execute(self):
        return self._answers
