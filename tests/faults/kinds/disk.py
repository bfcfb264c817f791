"""The disk of the incoming queue: full, without inodes, read-only, failing.

It is a real one, an ext4 of its own on a loop device; errors of single calls come from the shim.
"""

from __future__ import annotations

import contextlib
import errno
from typing import ClassVar

from faults.bench import Bench
from faults.fault import Fault, Setup
from faults.kinds.intake import (
    ARRIVED,
    ENDED,
    NEW_SEGMENT,
    SEGMENT,
    SEGMENTS,
    LargeLetters,
    begin_segments,
    end_segments,
)
from faults.kinds.relaydefers import RelayDefers
from faults.processes import kill
from faults.shim import Action, Call, Rule

#: Bytes that are written at once to fill the disk.
_PIECE = 4096


class DiskFull(Fault):
    name = "disk full"
    setup = Setup.DISK
    times = 2
    hold = 2.0

    def inject(self, bench: Bench) -> int:
        path = bench.system.places.incoming / "filler"
        with contextlib.suppress(OSError), path.open("wb", buffering=0) as file:
            while True:
                file.write(bytes(_PIECE))
        return 1

    def repair(self, bench: Bench) -> int:
        (bench.system.places.incoming / "filler").unlink()
        return 0


class DiskWithoutInodes(Fault):
    name = "disk out of inodes"
    setup = Setup.DISK
    times = 2
    hold = 2.0

    def inject(self, bench: Bench) -> int:
        self._directory = bench.system.places.incoming / "fillers"
        self._directory.mkdir()
        with contextlib.suppress(OSError):
            for number in range(10**6):
                (self._directory / str(number)).touch()
        return 1

    def repair(self, bench: Bench) -> int:
        for path in self._directory.iterdir():
            path.unlink()
        self._directory.rmdir()
        return 0


class DiskReadOnly(Fault):
    """The mount becomes read-only, and writable again."""

    name = "disk read-only"
    setup = Setup.DISK
    times = 1
    hold = 4.0
    cuts_edge = True  # its processes are killed: a mount with files that are open for writing stays writable

    def inject(self, bench: Bench) -> int:
        assert bench.disk is not None
        end_segments(bench)
        return int(bench.disk.set_read_only(read_only=True))

    def repair(self, bench: Bench) -> int:
        assert bench.disk is not None
        bench.disk.set_read_only(read_only=False)
        return 0


class DiskError(Fault):
    """ext4 meets an error and makes itself read-only at once, in the middle of writes (errors=remount-ro).

    Repaired as it must be: the edge's processes are stopped, the file system is unmounted and checked. A
    rename may have come through although the fsync after it failed: then the sender was told 451.
    """

    name = "disk error"
    setup = Setup.DISK
    times = 1
    hold = 4.0
    cuts_edge = True

    def inject(self, bench: Bench) -> int:
        assert bench.disk is not None
        bench.disk.fail()
        return 1

    def repair(self, bench: Bench) -> int:
        assert bench.disk is not None
        parts = (bench.system.milter, bench.system.queue_manager)
        with bench.keeper.excuse(*parts):
            for part in parts:
                part.stop()
            bench.disk.repair()
            for part in reversed(parts):
                part.start()
        return 0


class DiskFails(Fault):
    """EIO from one call of one process, for all messages during a while."""

    setup = Setup.SHIM
    times = 2
    hold = 1.5
    call: ClassVar[Call]
    part: ClassVar[str] = "milter"
    where: ClassVar[str] = SEGMENT
    action: ClassVar[int] = errno.EIO

    def inject(self, bench: Bench) -> int:
        bench.shims[self.part].arm(Rule(self.call, self.action, where=self.where, repeat=True))
        return 0

    def repair(self, bench: Bench) -> int:
        return bench.shims[self.part].disarm()


class FailingOnNewSegment(DiskFails):
    """A milter process cannot begin a segment: others, which have one, go on."""

    times = 3
    hold = 4.0
    stretch = 2.0
    cuts_edge = True  # milter processes are killed, for others to begin

    def inject(self, bench: Bench) -> int:
        begin_segments(bench)
        return super().inject(bench)


class FailingOnCreate(FailingOnNewSegment):
    name = "EIO on create"
    call = Call.CREATE
    where = NEW_SEGMENT


class FailingOnRename(FailingOnNewSegment):
    name = "EIO on rename"
    call = Call.RENAME
    where = NEW_SEGMENT


class FailingOnDirectory(FailingOnNewSegment):
    """The segment is there, but that its directory knows of it is not sure."""

    name = "EIO on fsync of directory"
    call = Call.FSYNC
    where = SEGMENTS


class FailingOnWrite(DiskFails):
    name = "EIO on write"
    call = Call.WRITE


class FullWithinRecord(DiskFails):
    """The disk is full in the middle of each record."""

    name = "ENOSPC within a record"
    call = Call.WRITE
    action = Action.FULL


class FullAndBroken(FullWithinRecord):
    """And half a record cannot be taken back."""

    name = "ENOSPC, EIO on truncate"

    def inject(self, bench: Bench) -> int:
        bench.shims[self.part].arm(Rule(Call.TRUNCATE, errno.EIO, where=self.where, repeat=True), slot=1)
        return super().inject(bench)

    def repair(self, bench: Bench) -> int:
        bench.shims[self.part].disarm(slot=1)
        return super().repair(bench)


class FailingOnDatasync(DiskFails):
    name = "EIO on fdatasync"
    call = Call.DATASYNC


class FailingOnArrived(DiskFails):
    """A record is on the disk, and the queue manager cannot be told of it: it is voided."""

    name = "EIO on line of arrived"
    call = Call.WRITE
    where = ARRIVED


class FailingOnFsync(LargeLetters, DiskFails):
    name = "EIO on fsync"
    call = Call.FSYNC
    where = "/milterin/incoming"


class FailingOnOwnFile(LargeLetters, DiskFails):
    """Of a large message.

    The file's fsync and rename succeed, that of the directory fails: the message is taken back. The queue
    manager may have seen it in between: it goes on, and the sender, told 451, sends it again.
    """

    cuts_edge = True

    name = "EIO on fsync of active"
    call = Call.FSYNC
    where = "/milterin/active"


class FailingOnEnd(DiskFails):
    """The queue manager cannot write down what has been delivered, and dies so: all of it goes once more."""

    name = "EIO on list of ended"
    call = Call.WRITE
    part = "queue-manager"
    where = ENDED

    def repair(self, bench: Bench) -> int:
        kill(bench.running(bench.system.queue_manager))
        return super().repair(bench)


class FailingOnRemoval(LargeLetters, DiskFails):
    """The queue manager cannot remove what has been delivered from a file of its own."""

    name = "EIO on removal"
    call = Call.UNLINK
    part = "queue-manager"
    where = "/milterin/"


class FailingOutgoing(RelayDefers, DiskFails):
    """What the relay defers cannot be kept in its final form: the whole message waits for another scan."""

    name = "EIO in outgoing queue"
    call = Call.FSYNC
    part = "queue-manager"
    where = "/milterout/"


class FailingJournal(DiskFails):
    """What the relay confirms cannot be noted on the worker's disk: Redis still knows it."""

    name = "EIO in delivery journal"
    call = Call.WRITE
    part = "deliver"
    where = "/journal/"


FAULTS = (
    DiskFull,
    DiskWithoutInodes,
    DiskReadOnly,
    DiskError,
    FailingOnCreate,
    FailingOnRename,
    FailingOnDirectory,
    FailingOnWrite,
    FullWithinRecord,
    FullAndBroken,
    FailingOnDatasync,
    FailingOnArrived,
    FailingOnFsync,
    FailingOnOwnFile,
    FailingOnEnd,
    FailingOnRemoval,
    FailingOutgoing,
    FailingJournal,
)
