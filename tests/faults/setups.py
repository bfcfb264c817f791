"""Making the system that a fault needs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from faults.bench import NO_ENGINES, Bench
from faults.fault import Setup

#: MiB that clamd looks into; larger messages are `Unscannable`.
CLAMD_MEGABYTES: Final = 1


def bench_for(setup: Setup) -> Bench:
    """Return the bench of a setup, not yet started."""
    match setup:
        case Setup.PLAIN:
            return Bench(changes=lambda _: NO_ENGINES)
        case Setup.ENGINES:
            bench = Bench(changes=_engines, engines=True, shim=True)
            bench.system.clamd._max_megabytes = CLAMD_MEGABYTES
            return bench
        case Setup.WIRE:
            return Bench(changes=_wire)
        case Setup.NETWORK:
            return Bench(changes=lambda _: NO_ENGINES, network=True)
        case Setup.DISK:
            return Bench(changes=_disk, disk=True)
        case Setup.SHIM:
            # A child that is killed at a point is not started again at once: others must reach the next one.
            return Bench(changes=lambda _: {**NO_ENGINES, "Milter Max Children": "6"}, shim=True)


def _engines(bench: Bench) -> Mapping[str, str]:
    return {
        "Rspamd URL": f"http://127.0.0.1:{bench.rspamd_wire.port}",
        "Virus Scanner Timeout": "5s",
        "SpamAssassin Timeout": "5s",
        # Policy of these rows: what no engine could look at waits.
        "Virus Scanner Failure": "defer",
        "Spam Scanner Failure": "defer",
        "Scan Time Limit": "10s",
        "Maximum Processing Attempts": "3",
        # More than these messages need.
        "Scan Memory Limit": "500m",
    }


def _wire(bench: Bench) -> Mapping[str, str]:
    return {**NO_ENGINES, "Redis URL": f"redis://127.0.0.1:{bench.redis_wire.port}/0"}


def _disk(bench: Bench) -> Mapping[str, str]:
    # Without the limits that keep an edge away from the end of its disk: the end itself is what is tested.
    return {**NO_ENGINES, "Milter Min Free Space": "0", "Milter Min Free Inodes": "0"}
