"""One segment as its readers see it: the messages in it that have not ended."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import logging
import os
from collections.abc import Iterator
from typing import Final

from msgspec import Struct

from mailmill.intake.directories import Directories
from mailmill.intake.records import VOIDED, Gap, Record, arrived, ended, ended_line, walk

log = logging.getLogger(__name__)

#: Bytes of a gap that are looked at when nobody knows what they are.
_CHUNK: Final = 2**20


class Changes(Struct, frozen=True):
    """What a look has found, by the names of messages."""

    new: tuple[str, ...] = ()
    #: Those that were known and have ended.
    gone: tuple[str, ...] = ()


class Segment:
    """What a segment holds, as far as it was read."""

    def __init__(self, directories: Directories, name: str, *, own: bool) -> None:
        """Look at the segment `name`; nothing is read yet. If it is our `own`, nobody else ends messages."""
        self._own = own
        self.name = name
        self.path = directories.log / name
        self._arrived_path = directories.arrived / name
        self._ended_path = directories.ended / name
        #: The messages that have not ended, in the order of their acknowledgement.
        self.messages: dict[str, Record] = {}
        #: Whether somebody was writing to it at the last look.
        self.has_writer = False
        #: Whether nobody writes to it any more, and all of it is known.
        self.complete = False
        #: Parts of it that could not be read, once it is complete.
        self.gaps: list[Gap] = []
        self._known: dict[str, Record] = {}
        #: Those that no look has returned yet.
        self._fresh: list[Record] = []
        self._ended: set[str] = set()
        self._unwritten: list[str] = []
        self._arrived_read = 0
        self._ended_read = 0
        self._seen_alive = False

    def look(self) -> Changes:
        """Read what is new.

        While its writer lives, a message counts when it was acknowledged. When the writer has gone, all whole
        records count: a machine that went down may have forgotten the acknowledgements. But whoever has seen
        the writer alive knows them all, and the records without one are voided: their senders try again.

        Raises:
            FileNotFoundError: it has been removed.
            OSError: it cannot be read; what was read until then comes with the next look.
        """
        if not self.complete:
            self.has_writer = self._is_locked()
            self._read_arrived()
            if self.has_writer:
                self._seen_alive = True
            else:
                self._try_to_conclude()
        gone = () if self._own and self._ended_read else self._read_ended()
        if not self._own:
            # It goes before its lists: if it is still there, what has ended is not taken for waiting.
            self.path.stat()
        waiting = {record.name: record for record in self._fresh if record.name not in self._ended}
        self._fresh.clear()
        self.messages.update(waiting)
        return Changes(tuple(waiting), gone)

    def end(self, name: str) -> None:
        """A message has reached its end; `flush` writes that down."""
        del self.messages[name]
        self._ended.add(name)
        self._unwritten.append(name)

    def flush(self) -> None:
        """Write down who has reached the end, for the next start.

        Raises:
            OSError: the disk refuses; it is tried again with the next call.
        """
        if not self._unwritten:
            return
        lines = b"".join(map(ended_line, self._unwritten))
        fd = os.open(self._ended_path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        try:
            if os.geteuid() == 0:
                facts = self.path.stat()
                os.fchown(fd, facts.st_uid, facts.st_gid)
            written = os.write(fd, lines)
        finally:
            os.close(fd)
        if written != len(lines):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        self._unwritten.clear()

    def remove(self) -> None:
        """Remove the segment; once that is durable, `forget` may follow."""
        self.path.unlink(missing_ok=True)

    def forget(self) -> None:
        """Remove what was written down about a segment that is not there any more."""
        self._arrived_path.unlink(missing_ok=True)
        self._ended_path.unlink(missing_ok=True)

    def _read_arrived(self) -> None:
        found, read = arrived(_read_from(self._arrived_path, self._arrived_read))
        self._arrived_read += read
        for record in found:
            if record.name not in self._known:
                self._known[record.name] = record
                self._fresh.append(record)

    def _read_ended(self) -> tuple[str, ...]:
        found, read = ended(_read_from(self._ended_path, self._ended_read))
        self._ended_read += read
        self._ended.update(found)
        return tuple(name for name in found if self.messages.pop(name, None))

    def _is_locked(self) -> bool:
        fd = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        finally:
            os.close(fd)
        return False

    def _try_to_conclude(self) -> None:
        """Read the segment itself. If that fails now, those that `arrived` tells of count all the same."""
        try:
            self._conclude()
        except FileNotFoundError:
            raise
        except OSError as exc:
            log.error("%s cannot be read: %s", self.path, exc.strerror or exc)  # noqa: TRY400 - no trace wanted

    def _conclude(self) -> None:
        """Read the segment itself, of which nobody is the writer any more."""
        # Without the list of those that were acknowledged nobody can say who was not.
        told_all = self._seen_alive and self._arrived_path.exists()
        gaps, new = [], []
        fd = os.open(self.path, (os.O_RDWR if told_all and self._own else os.O_RDONLY) | os.O_CLOEXEC)
        try:
            for found in self._contents(fd):
                if isinstance(found, Gap):
                    if self._may_hold_a_message(fd, found):
                        gaps.append(found)
                elif found.name in self._known:
                    continue
                elif not told_all:
                    new.append(found)
                elif self._own:
                    os.pwrite(fd, VOIDED, found.start)
        finally:
            os.close(fd)
        self._known.clear()
        self._fresh += new
        self.gaps = gaps
        self.complete = True

    def _contents(self, fd: int) -> Iterator[Record | Gap]:
        return walk(
            lambda offset, size: _read_at(fd, offset, size) or b"",
            os.fstat(fd).st_size,
            self._known.values(),
        )

    def _may_hold_a_message(self, fd: int, gap: Gap) -> bool:
        if gap.unfinished:
            log.info("%s: %d bytes at its end were never acknowledged", self.path, gap.end - gap.start)
            return False
        chunks = (_read_at(fd, at, min(_CHUNK, gap.end - at)) for at in range(gap.start, gap.end, _CHUNK))
        return any(chunk is None or any(chunk) for chunk in chunks)


def _read_at(fd: int, offset: int, size: int) -> bytes | None:
    """Return bytes of a segment; None: the disk has lost them."""
    try:
        return os.pread(fd, size, offset)
    except OSError as exc:
        if exc.errno != errno.EIO:
            raise
        return None


def _read_from(path: os.PathLike[str], offset: int) -> bytes:
    with contextlib.suppress(FileNotFoundError), open(path, "rb") as file:  # noqa: PTH123 - any path
        file.seek(offset)
        return file.read()
    return b""
