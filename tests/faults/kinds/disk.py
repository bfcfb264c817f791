"""The disk of the incoming queue: full, without inodes, read-only, failing.

It is a real one, an ext4 of its own on a loop device; errors of single calls come from the shim.
"""

from __future__ import annotations

import contextlib
import errno
from typing import ClassVar

from faults.bench import Bench
from faults.fault import Fault, Setup
from faults.kinds.relaydefers import RelayDefers
from faults.shim import Call, Rule

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

    def inject(self, bench: Bench) -> int:
        assert bench.disk is not None
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
    where: ClassVar[str] = "/milterin/"

    def inject(self, bench: Bench) -> int:
        bench.shims[self.part].arm(Rule(self.call, errno.EIO, where=self.where, repeat=True))
        return 0

    def repair(self, bench: Bench) -> int:
        return bench.shims[self.part].disarm()


class FailingOnCreate(DiskFails):
    name = "EIO on create"
    call = Call.CREATE


class FailingOnWrite(DiskFails):
    name = "EIO on write"
    call = Call.WRITE


class FailingOnFsync(DiskFails):
    name = "EIO on fsync"
    call = Call.FSYNC
    where = "/milterin/incoming"


class FailingOnRename(DiskFails):
    name = "EIO on rename"
    call = Call.RENAME


class FailingOnDirectory(DiskFails):
    """The file's fsync and rename succeed, that of the directory fails: the message is taken back.

    The queue manager may have seen it in between: it goes on, and the sender, told 451, sends it again.
    """

    cuts_edge = True

    name = "EIO on fsync of directory"
    call = Call.FSYNC
    where = "/milterin/active"


class FailingOnRemoval(DiskFails):
    """The queue manager cannot remove what has been delivered."""

    name = "EIO on removal"
    call = Call.UNLINK
    part = "queue-manager"


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
    FailingOnWrite,
    FailingOnFsync,
    FailingOnRename,
    FailingOnDirectory,
    FailingOnRemoval,
    FailingOutgoing,
    FailingJournal,
)
