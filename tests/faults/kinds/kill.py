"""kill -9 of each kind of process, and of all at once."""

from __future__ import annotations

from typing import ClassVar

from faults.bench import Bench
from faults.fault import Fault
from faults.processes import children, kill
from mailmill_local.probes import wait_until

#: Seconds to wait for a child in the place of one that was killed before.
_BIRTH_SECONDS = 5.0


class KillServer(Fault):
    """Kills the first process of one part of the system; what starts it again is not Mailmill."""

    part: ClassVar[str]

    def inject(self, bench: Bench) -> int:
        return int(kill(bench.running(getattr(bench.system, self.part))))


class KillChild(Fault):
    """Kills one child of a part."""

    part: ClassVar[str]
    times = 4

    def inject(self, bench: Bench) -> int:
        parent = bench.running(getattr(bench.system, self.part))
        wait_until(lambda: bool(children(parent)), _BIRTH_SECONDS)
        found = children(parent)
        return int(bool(found) and kill(bench.random.choice(found)))


class KillMilter(KillServer):
    name = "kill milter"
    part = "milter"
    times = 2
    stretch = 2.0
    cuts_edge = True


class KillMilterChild(KillChild):
    name = "kill milter child"
    part = "milter"
    stretch = 1.5
    cuts_edge = True


class KillQueueManager(KillServer):
    name = "kill queue manager"
    part = "queue_manager"


class KillScan(KillServer):
    name = "kill scan worker"
    part = "scan"


class KillScanChild(KillChild):
    name = "kill scan child"
    part = "scan"


class KillDeliver(KillServer):
    name = "kill deliver worker"
    part = "deliver"


class KillDeliverChild(KillChild):
    name = "kill deliver child"
    part = "deliver"


class KillRecorder(KillServer):
    name = "kill recorder"
    part = "recorder"


class KillWorkers(Fault):
    """All workers at once, with all their children."""

    name = "kill all workers"
    times = 2

    def inject(self, bench: Bench) -> int:
        system = bench.system
        return bench.kill_group(system.scan, system.deliver, system.recorder)


class KillAll(Fault):
    """A power cut of everything but the two Postfixes: even the servers in between."""

    name = "kill everything"
    times = 1
    cuts_edge = True

    def inject(self, bench: Bench) -> int:
        system = bench.system
        for child in children(bench.running(system.milter)):
            kill(child)
        return bench.kill_group(
            system.milter,
            system.queue_manager,
            system.redis,
            system.scan,
            system.deliver,
            system.recorder,
        )


FAULTS = (
    KillMilter,
    KillMilterChild,
    KillQueueManager,
    KillScan,
    KillScanChild,
    KillDeliver,
    KillDeliverChild,
    KillRecorder,
    KillWorkers,
    KillAll,
)
