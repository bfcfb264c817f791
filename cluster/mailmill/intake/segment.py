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
        #: Whether nobody writes to it any more, and all of it is known.
        self.complete = False
        #: Parts of it that could not be read, once it is complete.
        self.gaps: list[Gap] = []
        self._known: dict[str, Record] = {}
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
            OSError: it cannot be read.
        """
        new: list[Record] = []
        if not self.complete:
            alive = self._has_writer()
            new = self._read_arrived()
            if alive:
                self._seen_alive = True
            else:
                new += self._conclude()
        gone = () if self._own and self._ended_read else self._read_ended()
        waiting = {record.name: record for record in new if record.name not in self._ended}
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

    def _read_arrived(self) -> list[Record]:
        found, read = arrived(_read_from(self._arrived_path, self._arrived_read))
        self._arrived_read += read
        new = [record for record in found if record.name not in self._known]
        self._known.update((record.name, record) for record in new)
        return new

    def _read_ended(self) -> tuple[str, ...]:
        found, read = ended(_read_from(self._ended_path, self._ended_read))
        self._ended_read += read
        self._ended.update(found)
        return tuple(name for name in found if self.messages.pop(name, None))

    def _has_writer(self) -> bool:
        fd = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        finally:
            os.close(fd)
        return False

    def _conclude(self) -> list[Record]:
        """Read the segment itself, of which nobody is the writer any more; return what is new."""
        fd = os.open(self.path, (os.O_RDWR if self._seen_alive else os.O_RDONLY) | os.O_CLOEXEC)
        try:
            new = []
            for found in self._contents(fd):
                if isinstance(found, Gap):
                    self._note(fd, found)
                elif found.name in self._known:
                    continue
                elif self._seen_alive:
                    os.pwrite(fd, VOIDED, found.start)
                else:
                    new.append(found)
        finally:
            os.close(fd)
        self._known.clear()
        self.complete = True
        return new

    def _contents(self, fd: int) -> Iterator[Record | Gap]:
        return walk(
            lambda offset, size: os.pread(fd, size, offset), os.fstat(fd).st_size, self._known.values()
        )

    def _note(self, fd: int, gap: Gap) -> None:
        """Keep a gap in mind for a person, if there may be a message in it."""
        if gap.unfinished:
            log.info("%s: %d bytes at its end were never acknowledged", self.path, gap.end - gap.start)
        elif any(
            any(os.pread(fd, min(_CHUNK, gap.end - at), at)) for at in range(gap.start, gap.end, _CHUNK)
        ):
            self.gaps.append(gap)


def _read_from(path: os.PathLike[str], offset: int) -> bytes:
    with contextlib.suppress(FileNotFoundError), open(path, "rb") as file:  # noqa: PTH123 - any path
        file.seek(offset)
        return file.read()
    return b""
