"""Running one fault: load, injections at random moments, repair, quiet, account."""

from __future__ import annotations

import random
import re
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from faults.account import account
from faults.bench import SETTLE, Bench
from faults.evidence import collect
from faults.fault import Fault
from faults.load import letters
from faults.row import Row

#: Injections begin and end within these shares of the time of sending.
FIRST, LAST = 0.15, 0.85


@dataclass(frozen=True)
class Scale:
    """How much is sent, and how long things may take."""

    messages: int
    #: Seconds over which the messages are spread.
    seconds: float
    #: Seconds after the repair in which everything must have reached its end.
    recovery: float
    long: bool


#: Two hundred messages are about 15 s of load for the two processors that the figures were taken with.
FULL: Final = Scale(messages=240, seconds=12.0, recovery=150.0, long=True)
QUICK: Final = Scale(messages=120, seconds=8.0, recovery=100.0, long=False)


def slug(fault: Fault) -> str:
    """Return the name of a fault as it can stand in addresses and file names."""
    return re.sub("[^a-z0-9]+", "-", fault.name.lower())


def run(fault: Fault, bench: Bench, corpus: Path, scale: Scale, seed: int) -> Row:
    """Run a fault on a running system and return its row; the log goes to the bench's lines."""
    rng = random.Random(f"{seed} {fault.name}")
    prefix = f"{slug(fault)}-{rng.randrange(10**6):06}-"
    count = fault.messages if scale.long and fault.messages is not None else scale.messages
    sent = fault.letters(letters(corpus, count, prefix, seed))
    bench.seed(f"{seed} {fault.name}")
    hits = fault.prepare(bench)
    seconds = scale.seconds * fault.stretch * count / scale.messages
    load = bench.load(sent, seconds)
    start = time.monotonic()
    load.start()
    hold = fault.long_hold if scale.long and fault.long_hold is not None else fault.hold
    for moment in sorted(rng.uniform(FIRST, LAST) * seconds for _ in range(fault.times)):
        time.sleep(max(0.0, start + moment - time.monotonic()))
        bench.lines.append(f"{time.strftime('%H:%M:%S')} *** {fault.name}: injected")
        hits += fault.inject(bench)
        time.sleep(hold)
        hits += fault.repair(bench)
        bench.lines.append(f"{time.strftime('%H:%M:%S')} *** {fault.name}: repaired")
    answers = load.join()
    mended = time.monotonic()
    quiet = bench.wait_quiet(scale.recovery)
    recovery = time.monotonic() - mended - (SETTLE if quiet else 0.0)
    hits += fault.finish(bench)
    found, strangers = collect(bench.system.places, bench.system.relay, bench.relay_proxy, prefix)
    notes = [f"came after the end of its row: {name}" for name in strangers]
    notes += fault.check(found)
    if not quiet and not found.waiting:
        notes.append("not quiet in time")
    row, wrong = account(
        fault.name,
        answers,
        found,
        recovery=max(0.0, recovery),
        hits=hits,
        cuts_edge=fault.cuts_edge,
        notes=notes,
    )
    bench.lines += [f"*** quarantine: {name}: {why}" for name, why in found.reasons.items()]
    bench.lines += [f"*** {what}: {', '.join(names)}" for what, names in wrong.items()]
    return row
