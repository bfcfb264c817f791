"""The published configuration as a source: Redis for one process of a service, the local copy for the others.

One process of each service on a node asks Redis, and writes what it can use to the node's copy. The processes
that it forks, and those of the milter, which does without Redis, look at the copy.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

import redis

from mailmill.configuration.bundle import unpack
from mailmill.configuration.localcopy import Copy, LocalCopy
from mailmill.configuration.publication import Publication
from mailmill.configuration.store import PublishedConfigurations
from mailmill.errors import ConfigError, RecordError
from mailmill.settings import Settings
from mailmill.settings.files import Stamp
from mailmill.settings.version import version_of

log = logging.getLogger(__name__)

#: Seconds between looks of a node that waits for its first configuration.
WAIT: Final = 1.0


@dataclass(frozen=True)
class Node:
    """What a node adds to the published configuration."""

    own: Settings
    environ: Mapping[str, str]

    def read(self, copy: Copy) -> Settings:
        """Return the settings of this node.

        Raises:
            ConfigError: the files are damaged, or the configuration cannot be used here.
        """
        publication = copy.publication
        try:
            files = unpack(copy.packed).given()
        except RecordError as exc:
            raise ConfigError([f"published configuration {publication.version}: {exc}"]) from exc
        found = version_of(files, {})
        if found != publication.version:
            raise ConfigError(
                [f"published configuration {publication.version}: its files are those of {found}"]
            )
        return Settings.published(files, self.own, self.environ)


class CopySource:
    """The node's copy, for processes that leave Redis to another one."""

    def __init__(self, copy: LocalCopy, node: Node, number: int) -> None:
        """Begin with what the publication of that number says."""
        self._copy = copy
        self._node = node
        self._number = number
        self._seen: Stamp | None = None

    def newer(self) -> Settings | None:
        """See `Source`."""
        stamp = self._copy.stamp()
        if stamp is None or stamp == self._seen:
            return None
        try:
            copy = self._copy.read()
        except RecordError as exc:
            self._seen = stamp
            raise ConfigError([str(exc)]) from exc
        self._seen = stamp
        if copy is None or copy.publication.number <= self._number:
            return None
        self._number = copy.publication.number
        return self._node.read(copy)

    def accept(self) -> None:
        """See `Source`."""

    def in_child(self) -> CopySource:
        """See `Source`."""
        return CopySource(self._copy, self._node, self._number)


class RedisSource:
    """The publication in force in Redis. What this node goes by is put back where Redis has lost it."""

    def __init__(self, store: PublishedConfigurations, copy: LocalCopy, node: Node, mine: Copy) -> None:
        """Begin with what `mine` says."""
        self._store = store
        self._copy = copy
        self._node = node
        self._mine = mine
        self._next = mine
        self._seen = mine.publication.number

    def newer(self) -> Settings | None:
        """See `Source`."""
        try:
            current = self._store.current()
        except RecordError as exc:
            raise OSError(f"the published configuration: {exc}") from exc
        mine = self._mine.publication
        if current is None or current.number < mine.number:
            if self._store.restore(mine, self._mine.packed) == mine:
                log.warning("Redis has lost the published configuration: %s is put back", mine.version)
            return None
        if current.number == self._seen:
            return None
        found = fetch(self._store, current)
        self._seen = current.number
        if found is None:
            raise ConfigError([f"published configuration {current.version}: Redis has lost its files"])
        settings = self._node.read(found)
        self._next = found
        return settings

    def accept(self) -> None:
        """See `Source`."""
        try:
            self._copy.write(self._next)
        except OSError as exc:
            self._seen = self._mine.publication.number  # it is tried again: the disk may be full
            raise OSError(f"{self._copy.path}: the copy cannot be written: {exc.strerror or exc}") from exc
        self._mine = self._next

    def in_child(self) -> CopySource:
        """See `Source`."""
        return CopySource(self._copy, self._node, self._mine.publication.number)


def fetch(store: PublishedConfigurations, publication: Publication) -> Copy | None:
    """Return a publication with its files; None: Redis does not have them."""
    packed = store.packed(publication.version)
    return None if packed is None else Copy(publication, packed)


@dataclass(frozen=True)
class First:
    """Finds what a process begins with: what Redis has, or the copy when Redis has nothing newer."""

    store: PublishedConfigurations
    copy: LocalCopy
    node: Node

    def begin(
        self, *, wait: bool, sleep: Callable[[float], None] = time.sleep
    ) -> tuple[RedisSource, Settings]:
        """Return the source and the first settings.

        Args:
            wait: whether to wait until there is a configuration.
            sleep: waits.

        Raises:
            ConfigError: there is one and it cannot be used, nor can the copy; or there is none.
        """
        said = ""
        while True:
            found, why = self._find(look_at_copy=wait)
            if found:
                return self._use(found)
            if not wait:
                raise ConfigError([f"Configuration Source is published, but {why}"])
            if why != said:
                log.warning("waiting for a configuration: %s", why)
            said = why
            sleep(WAIT)

    def _find(self, *, look_at_copy: bool) -> tuple[list[Copy], str]:
        """Return what there is, the newest first, or else why there is nothing.

        The copy is looked at in any case when Redis has nothing.
        """
        found: list[Copy | None] = []
        why = "nothing was published yet (mailmill conf publish)"
        try:
            current = self.store.current()
            if current is not None:
                found.append(fetch(self.store, current))
                why = f"Redis has lost the files of {current.version}: publish them again"
        except (redis.RedisError, RecordError) as exc:
            why = f"Redis cannot be asked ({exc}), and there is no copy in {self.copy.path}"
        if look_at_copy or not any(found):
            try:
                found.append(self.copy.read())
            except (OSError, RecordError) as exc:
                log.warning("no copy of the configuration: %s", exc)
        there = {copy.publication.number: copy for copy in found if copy is not None}
        return [there[number] for number in sorted(there, reverse=True)], why

    def _use(self, found: list[Copy]) -> tuple[RedisSource, Settings]:
        refused: list[ConfigError] = []
        for copy in found:
            try:
                settings = self.node.read(copy)
            except ConfigError as exc:
                refused.append(exc)
                continue
            for line in (problem for exc in refused for problem in exc.problems):
                log.error("%s", line)
            if refused:
                log.error("the published configuration is refused, the copy of %s is used", settings.version)
            return RedisSource(self.store, self.copy, self.node, copy), settings
        raise refused[0]


def who() -> str:
    """Return who publishes, as `USER@HOST`: whoever became root with sudo is named."""
    user = os.environ.get("SUDO_USER") or os.environ.get("USER") or f"uid {os.getuid()}"
    return f"{user}@{os.uname().nodename}"
