"""A Redis in memory, as far as the published configuration needs one, and a site to publish."""

from __future__ import annotations

import contextlib
from pathlib import Path

from mailmill.configuration.store import PublishedConfigurations


class MemoryRedis:
    """Answers like redis-py; a transaction is done at once, because nobody else is there."""

    def __init__(self) -> None:
        self.strings: dict[str, bytes] = {}
        self.sets: dict[str, dict[bytes, float]] = {}
        #: Seconds since the epoch.
        self.now = 1_800_000_000

    def time(self):
        return self.now, 0

    def get(self, key):
        return self.strings.get(key)

    def set(self, key, value):
        self.strings[key] = value

    def delete(self, key):
        self.strings.pop(key, None)

    def zadd(self, key, members):
        self.sets.setdefault(key, {}).update(members)

    def zrem(self, key, member):
        self.sets[key].pop(member)

    def zrevrange(self, key, start, end):
        assert (start, end) == (0, -1)
        found = self.sets.get(key, {})
        return sorted(found, key=lambda member: found[member], reverse=True)

    def multi(self):
        """From here on commands are queued: what is read is read."""

    def transaction(self, act, *keys, value_from_callable):
        assert keys
        assert value_from_callable
        return act(self)

    def close(self):
        """Nothing is open."""

    def flushall(self):
        self.strings.clear()
        self.sets.clear()


def memory_store() -> tuple[PublishedConfigurations, MemoryRedis]:
    client = MemoryRedis()
    return PublishedConfigurations(client), client  # type: ignore[arg-type] # as far as it is asked


def write_site(directory: Path, value: str = "one") -> Path:
    """Write a configuration of several files, and return its MailScanner.conf."""
    with contextlib.suppress(FileExistsError):
        (directory / "conf.d").mkdir(parents=True)
    (directory / "conf.d" / "own.conf").write_text(f"Bounce From = {value}\n")
    (directory / "list").write_text("@a.example\n")
    (directory / "spam.rules").write_text(f"From: {directory}/list yes\n")
    (directory / "names").write_text("deny\t\\.exe$\tlog\tuser\n")
    conf = directory / "MailScanner.conf"
    conf.write_text(
        f"%org-name% = a\ninclude conf.d/*.conf\nIs Definitely Spam = {directory}/spam.rules\n"
        f"Filename Rules = {directory}/names\n"
    )
    return conf
