"""Where a process gets its configuration from, and how it learns that there is a new one."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from mailmill.settings import Settings
from mailmill.settings.files import DiskFiles, DiskState


class Source(Protocol):
    """A source of configurations. `newer` is asked about once a second."""

    def newer(self) -> Settings | None:
        """Return a configuration that is newer than what was returned or refused last; None: there is none.

        Raises:
            ConfigError: there is one, and it cannot be used; it is not looked at again.
            OSError, redis.RedisError: it cannot be told now.
        """

    def accept(self) -> None:
        """Hear that what `newer` returned last is about to come into force.

        Raises:
            OSError: it cannot be kept, and must not; it is returned again.
        """

    def in_child(self) -> Source:
        """Return the source for a process that was forked from this one."""


class FileSource:
    """MailScanner.conf on this host with all that it names.

    Files are written one after the other, and a file in pieces. So a change counts when two looks in a row
    have seen the same, and nothing has changed while it was read.
    """

    def __init__(self, path: Path | None = None, environ: Mapping[str, str] = os.environ) -> None:
        """Read `path`, or what `Settings.load` reads without one; `environ` beats it."""
        self._path = path
        self._environ = environ
        #: What was read last, and what was seen last.
        self._read = DiskState({}, {})
        self._seen = self._read

    def load(self) -> Settings:
        """Return the configuration of now.

        Raises:
            ConfigError: with every problem at once.
        """
        files = DiskFiles()
        try:
            return Settings.load(self._path, self._environ, files)
        finally:
            self._read = self._seen = files.state

    def newer(self) -> Settings | None:
        """See `Source`."""
        now = self._read.now()
        still, self._seen = now == self._seen, now
        if now == self._read or not still:
            return None
        before = self._read
        try:
            settings = self.load()
        finally:
            torn = self._read != self._read.now()
            if torn:
                self._read = before
        return None if torn else settings

    def accept(self) -> None:
        """See `Source`."""

    def in_child(self) -> FileSource:
        """See `Source`."""
        return self
