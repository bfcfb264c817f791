"""Writing a message into a file of its own in the spool, durably or not at all (R1, R4)."""

from __future__ import annotations

import contextlib
import errno
import os
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Final, Self

from mailmill.errors import SpoolError
from mailmill.spoolfile import SpoolEncoder, SpoolHeader
from mailmill.spoolstate import State

if TYPE_CHECKING:
    from mailmill.spool import Spool

#: Bytes that are collected before they are written: most messages take one system call.
_BUFFER: Final = 64 * 1024


class SpoolWriter:
    """One message on its way into the spool. Use as a context manager: without `commit` nothing stays."""

    def __init__(self, spool: Spool, header: SpoolHeader) -> None:
        self._spool = spool
        self._name = header.id
        self._path = spool.path(header.id, State.INCOMING)
        self._encoder = SpoolEncoder()
        self._buffer: list[bytes] = []
        self._buffered = 0
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        try:
            self._fd = os.open(self._path, flags, 0o600)
        except OSError as exc:
            raise spool.error("cannot create", header.id, exc) from exc
        self._add(self._encoder.start(header))

    def write(self, content: bytes) -> None:
        """Append content (lines ending in LF).

        Raises:
            SpoolError: the disk refuses; the message cannot be committed any more.
        """
        self._add(self._encoder.add(content))
        if self._buffered >= _BUFFER:
            self._write()

    def commit(self) -> None:
        """Make the message durable and visible in `active`.

        Raises:
            SpoolError: any step failed; nothing of the message stays.
        """
        try:
            self._add(self._encoder.end())
            self._write()
            os.fsync(self._fd)
            fd, self._fd = self._fd, -1
            os.close(fd)
            final = self._spool.path(self._name, State.ACTIVE)
            if final.exists():
                raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST))
            self._path.rename(final)
        except OSError as exc:
            self._discard()
            raise self._spool.error("cannot commit", self._name, exc) from exc
        try:
            self._spool.sync(State.ACTIVE)
        except SpoolError:
            unlink_quietly(final)
            raise

    def abandon(self) -> None:
        """Leave nothing of a message that was not committed."""
        if self._fd >= 0:
            self._discard()

    def _add(self, data: bytes) -> None:
        self._buffer.append(data)
        self._buffered += len(data)

    def _write(self) -> None:
        """Write what has been collected."""
        view = memoryview(b"".join(self._buffer))
        self._buffer.clear()
        self._buffered = 0
        try:
            while view:
                view = view[os.write(self._fd, view) :]
        except OSError as exc:
            raise self._spool.error("cannot write", self._name, exc) from exc

    def _discard(self) -> None:
        fd, self._fd = self._fd, -1
        if fd >= 0:
            with contextlib.suppress(OSError):
                os.close(fd)
        unlink_quietly(self._path)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.abandon()


def unlink_quietly(path: Path) -> None:
    """Remove what must not stay. A disk that refuses this too has told its error before."""
    with contextlib.suppress(OSError):
        path.unlink(missing_ok=True)
