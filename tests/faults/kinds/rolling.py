"""SIGTERM to every part of Mailmill and to Redis in turn, twice, under load: an upgrade."""

from __future__ import annotations

from faults.bench import Bench
from faults.fault import Fault


class RollingRestart(Fault):
    """Each part is stopped as systemd stops it, and started again before the next one."""

    name = "rolling restart"
    times = 2
    hold = 1.0

    def inject(self, bench: Bench) -> int:
        system = bench.system
        parts = (
            system.recorder,
            system.deliver,
            system.scan,
            system.queue_manager,
            system.milter,
            system.redis,
        )
        for part in parts:
            with bench.keeper.excuse(part):
                part.stop()
                part.start()
                part.wait_healthy()
        return len(parts)


FAULTS = (RollingRestart,)
