"""Table waiting: what a message costs when 100,000 wait in the spool, next to 1,000.

The queue manager meets a filled spool; the first messages are delivered and counted, then it is stopped. Its
processor time up to the first delivery is its start, which is spread over all that wait; from there on it is
the running cost of those that went out meanwhile.
"""

from __future__ import annotations

import contextlib
import statistics
import time
from pathlib import Path
from typing import Final

from benchmarks.arrivals import Arrivals
from benchmarks.backlog import ENGINES
from benchmarks.driver.mail import messages
from benchmarks.driver.orders import Mail
from benchmarks.filled import fill, take
from benchmarks.goals import Goal
from benchmarks.load import LoadError
from benchmarks.meter import Meter
from benchmarks.plan import Plan
from benchmarks.sites import discarding, letters, site
from benchmarks.table import CPU, Table
from mailmill_local.ports import Ports

#: Messages that wait.
_DEPTHS, _QUICK_DEPTHS = (1_000, 100_000), (100, 1_000)
#: Share of the smaller spool after which the look is over: the last ones are fewer than what is under way.
_SHARE: Final = 0.8
#: Bytes of each message.
_SIZE: Final = 1_500
#: Seconds for the first delivery, and for the rest.
_SECONDS: Final = 300.0
_LOOK: Final = 0.02
COST, FIRST = "queue manager ms, start included", "first delivery after s"
#: How much more a message may cost: the noise of the measurement.
_NOISE: Final = 1.1
_START: Final = 30.0


def measure(plan: Plan) -> Table:
    """Return the table."""
    depths = _QUICK_DEPTHS if plan.quick else _DEPTHS
    table = Table("waiting", "Waiting: the cost of a message by how many wait in the spool")
    full = {depth: _full(plan, depth) for depth in depths}
    for _ in range(plan.runs):
        for depth in depths:
            _row(plan, table, depth, full[depth], round(depths[0] * _SHARE))
    fewer, more = (f"{depth:,} wait" for depth in depths)
    ratio = statistics.median(table.ratios(more, fewer, COST))
    what = f"cost of a message when {more}, to when {fewer}"
    table.goals.append(Goal(6, what, ratio, _NOISE, " times", at_most=True))
    what = f"first delivery after the start when {more}"
    table.goals.append(Goal(6, what, table.median(more, FIRST), _START, " s", at_most=True))
    return table


def _full(plan: Plan, depth: int) -> Path:
    spool = plan.directory / f"waiting-{depth}"
    fill(spool, messages(Mail(median=_SIZE, sigma=0), depth), "edge1")
    return spool


def _row(plan: Plan, table: Table, depth: int, full: Path, count: int) -> None:
    arrivals = Arrivals()
    system = site(plan.directory / "waiting", Ports.free(), ENGINES["none"], arrivals)
    discarding(system, arrivals)
    take(full, system.places.incoming, depth)
    row = f"{depth:,} wait"
    with contextlib.ExitStack() as stack:
        for server in (system.relay, system.redis, system.recorder, system.deliver, system.scan):
            stack.enter_context(server)
        meter = Meter(
            {"queue manager": [system.queue_manager], "scan": [system.scan], "redis": [system.redis]}
        )
        meter.start()
        started = time.monotonic()
        stack.callback(system.queue_manager.stop)
        system.queue_manager.start()
        _wait(arrivals, 1)
        start = meter.stop()
        meter.start()
        before = len(letters(arrivals))
        _wait(arrivals, count)
        costs = meter.stop()
        times = sorted(letters(arrivals).values())
    done = len(times) - before
    running = costs.per_message(done)
    table.add(row, FIRST, times[0] - started)
    table.add(row, "start ms for each", 1000 * start.stages["queue manager"] / depth)
    table.add(row, COST, 1000 * start.stages["queue manager"] / depth + running["queue manager"])
    table.add(row, "queue manager" + CPU, running["queue manager"])
    table.add(row, "scan" + CPU, running["scan"])
    table.add(row, "redis" + CPU, running["redis"])
    table.add(row, "msg/s", (len(times) - 1) / (times[-1] - times[0]))
    plan.say(
        f"waiting {row}: first after {times[0] - started:.1f} s, then {running['queue manager']:.2f} ms each"
    )


def _wait(arrivals: Arrivals, count: int) -> None:
    deadline = time.monotonic() + _SECONDS
    while len(letters(arrivals)) < count:
        if time.monotonic() > deadline:
            raise LoadError(f"fewer than {count} were delivered in {_SECONDS:g} s")
        time.sleep(_LOOK)
