"""Making the system that a fault needs."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from typing import Final

from faults.bench import NO_ENGINES, Bench
from faults.fault import Setup
from mailmill_local.configuration import USER
from mailmill_local.servers.base import give_to

#: The small file system of the incoming queue: bytes and inodes.
DISK_BYTES: Final = "24m"
DISK_INODES: Final = 1000
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
            bench = Bench(changes=_disk)
            _mount(bench)
            return bench
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
    }


def _wire(bench: Bench) -> Mapping[str, str]:
    return {**NO_ENGINES, "Redis URL": f"redis://127.0.0.1:{bench.redis_wire.port}/0"}


def _disk(bench: Bench) -> Mapping[str, str]:
    # Without the limits that keep an edge away from the end of its disk: the end itself is what is tested.
    return {**NO_ENGINES, "Milter Min Free Space": "0", "Milter Min Free Inodes": "0"}


def _mount(bench: Bench) -> None:
    """Put the incoming queue on a file system of its own."""
    root = bench.system.places.incoming
    root.mkdir(parents=True)
    options = f"size={DISK_BYTES},nr_inodes={DISK_INODES},mode=0700"
    subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(root)], check=True)
    give_to(root, USER)
    bench.cleanup.append(lambda: subprocess.run(["umount", "--lazy", str(root)], check=True))
