"""The delivery journal: what the relay confirmed to this process, on the worker's own disk (R4, R15).

A file per process and span of time, one record (a line of JSON) after the other. A confirmation is on the
disk before Redis or the edge hears of it, so that it outlives both; that a submission began is only handed to
the system, which is enough to outlive this process. A file is locked for as long as its process lives: a file
without a lock is what a dead one left, and any other process on this host takes it up.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import logging
import os
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, cast

from msgspec import Struct

from mailmill.delivery import Delivery
from mailmill.errors import RecordError
from mailmill.records import decode, encode
from mailmill.syncing import sync_directory

log = logging.getLogger(__name__)

#: Seconds after which a file is closed and another one begun: what is read again after a crash is short.
SEGMENT_SECONDS: Final = 30.0
#: Bytes after which a file is closed earlier: some 4000 confirmations.
SEGMENT_BYTES: Final = 1_000_000
#: Before the name of a file that is not locked yet: nobody takes it up.
HIDDEN: Final = "."


class Began(Struct, frozen=True, tag="began"):
    """A delivery is claimed and may be submitted from now on."""

    edge: str
    mail_id: str
    delivery_id: str


class Ended(Struct, frozen=True, tag="ended"):
    """The submission has ended without a confirmation."""

    delivery_id: str


class Confirmed(Struct, frozen=True, tag="confirmed"):
    """The relay has confirmed what `covers` marks; all of the delivery if it is `whole`."""

    edge: str
    mail_id: str
    delivery_id: str
    covers: tuple[str, ...]
    whole: bool
    reply: str


def confirmation(delivery: Delivery, part: Delivery, reply: str) -> Confirmed:
    """Return the record of a confirmation of `part`, or all, of a delivery."""
    whole = part.id == delivery.id
    return Confirmed(delivery.edge, delivery.mail_id, delivery.id, part.covers, whole, reply)


Record = Began | Ended | Confirmed


@dataclass(eq=False)
class Segment:
    """One file of the journal, locked by this process."""

    path: Path
    fd: int
    #: The process that wrote it, by its name in claims.
    owner: str
    opened: float
    size: int = 0
    #: When it got its last record, as far as this process knows.
    closed: float = 0.0
    confirmed: list[Confirmed] = field(default_factory=list)
    #: Submissions that have begun and not ended, by delivery id.
    running: dict[str, Began] = field(default_factory=dict)

    def add(self, record: Record) -> None:
        """Count a record in."""
        match record:
            case Began():
                self.running[record.delivery_id] = record
            case Ended():
                self.running.pop(record.delivery_id, None)
            case Confirmed():
                self.running.pop(record.delivery_id, None)
                self.confirmed.append(record)

    def remove(self) -> None:
        """Delete the file: everybody has acted on it."""
        with contextlib.suppress(OSError):
            self.path.unlink(missing_ok=True)
        os.close(self.fd)


class DeliveryJournal:
    """The journal of one process. Its methods may be called from several threads.

    A disk that refuses is logged and stops nothing: the marks in Redis are the first net, this is the second.
    """

    def __init__(self, directory: Path, owner: str, monotonic: Callable[[], float] = time.monotonic) -> None:
        """Write files below `directory`, named after `owner`, which no other process is called."""
        self._directory = directory
        self.owner = owner
        self._monotonic = monotonic
        self._number = 0
        self._current: Segment | None = None
        self._closed: list[Segment] = []
        self._busy = 0
        self._lock = threading.RLock()

    @contextlib.contextmanager
    def batch(self) -> Iterator[None]:
        """Bracket a batch whose outcomes have all been reported at the end of the block."""
        with self._lock:
            self._busy += 1
        try:
            yield
        finally:
            with self._lock:
                self._busy -= 1
            self.close_if_due()

    def began(self, delivery: Delivery) -> None:
        """Note that a delivery may be submitted from now on."""
        self._write(Began(delivery.edge, delivery.mail_id, delivery.id))

    def ended(self, delivery: Delivery) -> None:
        """Note that a submission ended without a confirmation."""
        self._write(Ended(delivery.id))

    def confirmed(self, record: Confirmed) -> None:
        """Note that the relay confirmed this: it outlives this process, and with `sync` also the system."""
        self._write(record)

    def sync(self) -> None:
        """Make durable what was noted: one fdatasync for all of it."""
        with self._lock:
            segment = self._current
        if segment is None:
            return
        try:
            os.fdatasync(segment.fd)
        except OSError as exc:
            log.error("%s: cannot be synced: %s", segment.path, exc)  # noqa: TRY400 - no trace wanted

    def close_if_due(self) -> None:
        """Begin a new file if the present one is old or large and no batch is running."""
        with self._lock:
            segment = self._current
            if segment is None or self._busy or not segment.size:
                return
            if segment.size >= SEGMENT_BYTES or self._monotonic() - segment.opened >= SEGMENT_SECONDS:
                self._current = None
                segment.closed = self._monotonic()
                self._closed.append(segment)

    def segments(self) -> list[Segment]:
        """Return all files that have not been removed."""
        with self._lock:
            return [*self._closed, *([self._current] if self._current else [])]

    def closed(self) -> list[Segment]:
        """Return the files that get no further records; what they tell has been reported."""
        with self._lock:
            return list(self._closed)

    def remove(self, segment: Segment) -> None:
        """Remove a closed file."""
        with self._lock:
            self._closed.remove(segment)
        segment.remove()

    def adopt(self) -> list[Segment]:
        """Take up the files of processes that have ended; return them."""
        ours = {segment.path for segment in self.segments()}
        try:
            paths = sorted(
                path for path in self._directory.iterdir() if path not in ours and path.name[0] != HIDDEN
            )
        except OSError as exc:
            log.warning("%s: cannot be read: %s", self._directory, exc)
            return []
        found = [segment for path in paths if (segment := _take(path, self._monotonic())) is not None]
        with self._lock:
            self._closed += found
        return found

    def _write(self, record: Record) -> None:
        # Between two line ends: what a full disk or a crash tore takes neither neighbour along.
        line = b"\n" + encode(record) + b"\n"
        with self._lock:
            try:
                if self._current is None:
                    self._current = self._create()
                _append(self._current.fd, line)
            except OSError as exc:
                log.error("%s: cannot be written: %s", self._directory, exc)  # noqa: TRY400 - no trace wanted
            if self._current is not None:
                self._current.size += len(line)
                self._current.add(record)

    def _create(self) -> Segment:
        self._number += 1
        path = self._directory / f"{self.owner}.{self._number}"
        hidden = path.with_name(f"{HIDDEN}{path.name}")
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        fd = os.open(hidden, flags, 0o600)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX)
            hidden.rename(path)
            sync_directory(self._directory)
        except OSError:
            os.close(fd)
            raise
        return Segment(path, fd, self.owner, self._monotonic())


def _append(fd: int, line: bytes) -> None:
    if os.write(fd, line) != len(line):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def _take(path: Path, now: float) -> Segment | None:
    """Return a file that nobody holds, locked; None when its process lives or it has just been removed."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if not os.path.samestat(os.fstat(fd), path.stat()):
            raise FileNotFoundError(path)
        data = path.read_bytes()
    except OSError:
        os.close(fd)
        return None
    segment = Segment(path, fd, path.name.rpartition(".")[0], now, len(data), closed=now)
    for line in data.split(b"\n"):
        try:
            segment.add(cast("Record", decode(line, Record)))
        except RecordError:
            if line:  # the last one, of a process that died while writing
                log.warning("%s: a record cannot be read: %r", path, line[:80])
    return segment
