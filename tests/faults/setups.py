"""Making the system that a fault needs."""

from __future__ import annotations

from faults.bench import NO_ENGINES, Bench
from faults.fault import Setup


def bench_for(setup: Setup, seed: int) -> Bench:
    """Return the bench of a setup, not yet started."""
    match setup:
        case Setup.ENGINES:
            return Bench(seed, changes={}, engines=True)
        case _:
            return Bench(seed, changes=NO_ENGINES, engines=False)
