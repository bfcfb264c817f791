"""The intake of a queue directory as its readers see it: all segments together."""

from __future__ import annotations

import contextlib
import logging
import os
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from msgspec import Struct

from mailmill.intake.directories import Directories
from mailmill.intake.segment import Changes, Segment
from mailmill.syncing import sync_directory

log = logging.getLogger(__name__)

#: Segments that are kept open for reading: more than batches are read from at a time.
_OPEN: Final = 16
#: Seconds after which a file that belongs to no segment is taken to be left over.
_LEFTOVER: Final = 3600.0


class Place(Struct, frozen=True):
    """Where the spool file of a message is."""

    path: Path
    #: In bytes.
    offset: int
    length: int


class Remnant(Struct, frozen=True):
    """Bytes of a segment that cannot be read as messages."""

    name: str
    data: bytes


class Intake:
    """The messages of an intake that have not ended; used by several threads."""

    def __init__(self, root: Path, *, clock: Callable[[], float] = time.time) -> None:
        """Look at the intake of the queue directory `root`; without one there, there are no messages."""
        self._clock = clock
        self._directories = Directories(root)
        self._segments: dict[str, Segment] = {}
        self._places: dict[str, Segment] = {}
        self._fds: OrderedDict[str, int] = OrderedDict()
        #: Segments of which ends were told and not written down.
        self._unwritten: set[Segment] = set()
        #: What `refresh` has found and `look` has not told of yet; only of an intake in our charge.
        self._untold: list[str] = []
        self._lock = threading.RLock()
        self._own = False

    def take_charge(self) -> None:
        """From now on messages end here and nowhere else (`QueueLock`)."""
        self._own = True

    def look(self) -> list[str]:
        """Read what is new in all segments; return the names of messages that no look has returned yet.

        A segment that cannot be read is logged, and tried again with the next look.

        Raises:
            OSError: the directory cannot be read.
        """
        with self._lock:
            there = self._listed()
            for gone in self._segments.keys() - set(there):
                self._drop(gone)
            return self._look_at(there)

    def look_at(self, segments: list[str]) -> list[str]:
        """Do the same for some segments only."""
        with self._lock:
            return self._look_at(segments)

    def refresh(self) -> None:
        """Read what is new in all segments for somebody who counts: the next look tells of it all the same.

        Raises:
            OSError: the directory cannot be read.
        """
        with self._lock:
            found = self.look()
            if self._own:
                self._untold = found

    def knows(self, segment: str) -> bool:
        """Tell whether a segment was looked at."""
        with self._lock:
            return segment in self._segments

    def written(self) -> list[Path]:
        """Return the segments to which somebody still writes."""
        with self._lock:
            return [segment.path for segment in self._segments.values() if segment.has_writer]

    def unread(self) -> list[Path]:
        """Return the segments to which nobody writes and which could not be read to their ends."""
        with self._lock:
            return [
                segment.path
                for segment in self._segments.values()
                if not (segment.complete or segment.has_writer)
            ]

    def survey(self) -> Iterator[tuple[str, int]]:
        """Yield the names and lengths of all messages, in bytes.

        Whoever is not in charge keeps nothing of what it has read: a milter process counts now and then what
        may be 100,000 messages.

        Raises:
            OSError: the directory cannot be read.
        """
        if not self._own:
            for name in self._listed():
                segment = Segment(self._directories, name, own=False)
                self._read(segment)
                yield from ((record.name, record.length) for record in segment.messages.values())
            return
        self.refresh()
        with self._lock:
            found = [(name, segment.messages[name].length) for name, segment in self._places.items()]
        yield from found

    def names(self) -> list[str]:
        """Return the names of all messages, those of each segment in the order of their arrival."""
        with self._lock:
            return list(self._places)

    def place(self, name: str) -> Place | None:
        """Return where a message is; None: not here, or its end was told."""
        with self._lock:
            segment = self._places.get(name)
            if segment is None:
                return None
            record = segment.messages[name]
            return Place(segment.path, record.offset, record.length)

    def read(self, name: str, most: int | None = None) -> bytes | None:
        """Return the spool file of a message, or up to `most` bytes of it; None: it is not here.

        Raises:
            OSError: it cannot be read.
        """
        with self._lock:
            segment = self._places.get(name)
            if segment is None:
                return None
            record = segment.messages[name]
            length = record.length if most is None else min(most, record.length)
            return os.pread(self._fd(segment), length, record.offset)

    def end(self, name: str) -> bool:
        """Let a message have reached its end; return whether it was here. `flush` makes it known."""
        with self._lock:
            segment = self._places.pop(name, None)
            if segment is None:
                return False
            segment.end(name)
            self._unwritten.add(segment)
            return True

    def flush(self) -> None:
        """Write down whose end was told.

        Raises:
            OSError: the disk refuses; what it refused is tried again with the next call.
        """
        failure: OSError | None = None
        with self._lock:
            for segment in list(self._unwritten):
                try:
                    segment.flush()
                except OSError as exc:
                    failure = exc
                else:
                    self._unwritten.discard(segment)
        if failure is not None:
            raise failure

    def remnants(self) -> Iterator[Remnant]:
        """Yield what of complete segments is no message, for a person; each until the next one is asked for.

        What cannot be read is logged, and its segment stays.
        """
        with self._lock:
            gaps = [(segment, gap) for segment in self._segments.values() for gap in segment.gaps]
        for segment, gap in gaps:
            try:
                with self._lock:
                    data = os.pread(self._fd(segment), gap.end - gap.start, gap.start)
            except OSError as exc:
                log.error("%s cannot be read: %s", segment.path, exc.strerror or exc)  # noqa: TRY400 - no trace wanted
                continue
            yield Remnant(f"{segment.name}.{gap.start}", data)
            with self._lock:
                segment.gaps.remove(gap)

    def sweep(self) -> None:
        """Remove the segments that are not needed any more, and what is left of removed ones.

        Raises:
            OSError: the disk refuses.
        """
        with self._lock:
            done = [
                each for each in self._segments.values() if each.complete and not (each.messages or each.gaps)
            ]
            for segment in done:
                segment.remove()
            if done:
                # Else a power loss could bring one back without its list of those that have ended.
                sync_directory(self._directories.log)
            for segment in done:
                self._drop(segment.name)
                segment.forget()
            self._remove_leftovers()

    def close(self) -> None:
        """Let go of the files that are kept open for reading; the next read opens what it needs."""
        with self._lock:
            while self._fds:
                os.close(self._fds.popitem()[1])

    def _remove_leftovers(self) -> None:
        """Remove what is of no segment: somebody was interrupted while creating or removing one."""
        latest = self._clock() - _LEFTOVER
        directories = self._directories
        old: list[os.DirEntry[str]] = []
        for directory in (directories.top, directories.arrived, directories.ended):
            with contextlib.suppress(FileNotFoundError), os.scandir(directory) as entries:
                old += [entry for entry in entries if entry.is_file() and entry.stat().st_mtime < latest]
        # Looked up after them: what one of these belongs to is there by now, whether it can be read or not.
        segments = set(self._listed()) if old else set()
        for entry in old:
            if entry.name not in segments:
                with contextlib.suppress(FileNotFoundError):
                    os.unlink(entry.path)  # noqa: PTH108 - no path object is needed

    def _look_at(self, segments: list[str]) -> list[str]:
        untold, self._untold = self._untold, []
        found = [name for name in untold if name in self._places]
        for segment in segments:
            found += self._look(segment)
        return found

    def _look(self, name: str) -> tuple[str, ...]:
        segment = self._segments.get(name) or Segment(self._directories, name, own=self._own)
        changes = self._read(segment)
        if changes is None:
            self._drop(name)
            return ()
        self._segments[name] = segment
        for gone in changes.gone:
            self._places.pop(gone, None)
        self._places.update((new, segment) for new in changes.new)
        return changes.new

    @staticmethod
    def _read(segment: Segment) -> Changes | None:
        """Return what is new in a segment; None: it is gone."""
        try:
            return segment.look()
        except FileNotFoundError:
            return None
        except OSError as exc:
            log.error("%s cannot be read: %s", segment.path, exc.strerror or exc)  # noqa: TRY400 - no trace wanted
            return Changes()

    def _listed(self) -> list[str]:
        """Return the names of the segments, the oldest first."""
        try:
            return sorted(os.listdir(self._directories.log))  # noqa: PTH208 - names, not paths
        except FileNotFoundError:
            return []

    def _drop(self, name: str) -> None:
        segment = self._segments.pop(name, None)
        if segment is not None:
            self._unwritten.discard(segment)
            for message in segment.messages:
                self._places.pop(message, None)
        fd = self._fds.pop(name, None)
        if fd is not None:
            os.close(fd)

    def _fd(self, segment: Segment) -> int:
        fd = self._fds.get(segment.name)
        if fd is None:
            fd = self._fds[segment.name] = os.open(segment.path, os.O_RDONLY | os.O_CLOEXEC)
            if len(self._fds) > _OPEN:
                os.close(self._fds.popitem(last=False)[1])
        else:
            self._fds.move_to_end(segment.name)
        return fd
