"""The spool: a directory per state, a file per message, a rename per change (R1, R4).

    incoming/   being written; what is here was never acknowledged to a client
    active/     accepted
    deferred/   waits for its next attempt; the file's modification time says when (as in Postfix)
    corrupt/    could not be read: kept for a person

Nothing here is acknowledged before write, fsync, close, rename and fsync of the directory have succeeded.
"""

from __future__ import annotations

import contextlib
import enum
import errno
import os
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from mailmill.errors import DamagedSpoolFileError, SpoolError
from mailmill.groupsync import GroupSync
from mailmill.spoolfile import (
    SpoolEncoder,
    SpoolFile,
    SpoolHeader,
    header_reach,
    unpack,
    unpack_header,
)

#: The directory in a queue directory that holds, by the name of a message which waits, the marks of what was
#: confirmed of it, one a line.
CONFIRMED: Final = "confirmed"


class State(enum.StrEnum):
    """The state of a message is the directory that its file is in. Names are Postfix's."""

    INCOMING = "incoming"
    ACTIVE = "active"
    DEFERRED = "deferred"
    CORRUPT = "corrupt"


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
            _unlink(final)
            raise

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
        _unlink(self._path)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._fd >= 0:
            self._discard()


def _unlink(path: Path) -> None:
    """Remove what must not stay. A disk that refuses this too has told its error before."""
    with contextlib.suppress(OSError):
        path.unlink(missing_ok=True)


def _sync_directory(path: Path) -> None:
    fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


class Spool:
    """One queue directory, `Incoming Queue Dir` or `Outgoing Queue Dir`."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._syncs = {state: GroupSync(partial(_sync_directory, root / state)) for state in State}

    def path(self, name: str, state: State) -> Path:
        """Return where the file of `name` is in `state`."""
        return self.root / state / name

    def create(self, header: SpoolHeader) -> SpoolWriter:
        """Begin a new message, named by its header's id.

        Raises:
            SpoolError: the disk refuses, or the name is taken.
        """
        return SpoolWriter(self, header)

    def read(self, name: str, state: State) -> SpoolFile:
        """Return a message.

        Raises:
            DamagedSpoolFileError: it is truncated or altered.
            SpoolError: it is not there or cannot be read.
        """
        data = self.read_bytes(name, state)
        try:
            return unpack(data)
        except DamagedSpoolFileError as exc:
            raise DamagedSpoolFileError(f"{self.path(name, state)}: {exc}") from exc

    def read_bytes(self, name: str, state: State) -> bytes:
        """Return the file of a message as it is on disk.

        Raises:
            SpoolError: it is not there or cannot be read.
        """
        try:
            return self.path(name, state).read_bytes()
        except OSError as exc:
            raise self.error("cannot read", name, exc) from exc

    def read_header(self, name: str, state: State) -> SpoolHeader:
        """Return only the header of a message; its content is not checked.

        Raises:
            DamagedSpoolFileError: the header is truncated.
            SpoolError: the file is not there or cannot be read.
        """
        path = self.path(name, state)
        try:
            with path.open("rb") as file:
                start = file.read(4096)
                missing = header_reach(start) - len(start)
                if missing > 0:
                    start += file.read(missing)
            return unpack_header(start)
        except OSError as exc:
            raise self.error("cannot read", name, exc) from exc
        except DamagedSpoolFileError as exc:
            raise DamagedSpoolFileError(f"{path}: {exc}") from exc

    def names(self, state: State) -> Iterator[str]:
        """Yield the names in a state, in no order."""
        with os.scandir(self.root / state) as entries:
            for entry in entries:
                yield entry.name

    def remove(self, name: str, state: State) -> None:
        """Remove a message that has reached its end. One that is not there any more is no error."""
        try:
            self.path(name, state).unlink(missing_ok=True)
        except OSError as exc:
            raise self.error("cannot remove", name, exc) from exc

    def defer(self, name: str, state: State, until: float) -> None:
        """Let a message wait for its next attempt at `until` (seconds since the epoch)."""
        source, target = self.path(name, state), self.path(name, State.DEFERRED)
        try:
            os.utime(source, (until, until))
            source.rename(target)
        except OSError as exc:
            raise self.error("cannot defer", name, exc) from exc

    def due(self, name: str) -> float:
        """Return when the next attempt of a deferred message is due, in seconds since the epoch."""
        try:
            return self.path(name, State.DEFERRED).stat().st_mtime
        except OSError as exc:
            raise self.error("cannot read", name, exc) from exc

    def move(self, name: str, source: State, target: State) -> None:
        """Change the state of a message."""
        try:
            self.path(name, source).rename(self.path(name, target))
        except OSError as exc:
            raise self.error(f"cannot move to {target}", name, exc) from exc

    def sync(self, state: State) -> None:
        """Make renames into `state` durable.

        Threads that come while another one's sync is under way share the next one.

        Raises:
            SpoolError: the disk refuses.
        """
        try:
            self._syncs[state]()
        except OSError as exc:
            raise self.error("cannot sync", str(state), exc) from exc

    def error(self, what: str, name: str, exc: OSError) -> SpoolError:
        """Return an error that names the message, the directory and the system's reason."""
        return SpoolError(f"{what} {name} in {self.root}: {exc.strerror or exc}")
