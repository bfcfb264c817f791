"""Table latency: from the edge's 250 to the relay's inbox, on a cluster that has nothing else to do.

One message at a time, at a rate that is far from any load and in step with nothing that beats once a second.
"""

from __future__ import annotations

import contextlib
import statistics
from typing import Final

from benchmarks.arrivals import Arrivals
from benchmarks.backlog import ENGINES
from benchmarks.driver.orders import Orders
from benchmarks.goals import Goal
from benchmarks.load import send
from benchmarks.plan import Plan
from benchmarks.sites import letters, site, wait_for_all
from benchmarks.spread import percentile
from benchmarks.table import Table
from mailmill_local.ports import Ports
from mailmill_local.supervisor import Supervisor

#: Messages a second.
_RATE: Final = 6.7
#: Messages of a run: enough for a 99th percentile.
_COUNT: Final = 300
#: Messages that are sent before, which find everything cold.
_WARM: Final = 20
_ROW: Final = "no engine"
MEDIAN, P99 = "median ms", "p99 ms"


def measure(plan: Plan) -> Table:
    """Return the table."""
    table = Table("latency", "Latency: from 250 to the inbox, idle cluster")
    arrivals = Arrivals()
    system = site(plan.directory / "latency", Ports.free(), ENGINES["none"], arrivals)
    with contextlib.ExitStack() as stack:
        supervisor = Supervisor(system.stages, lambda _line: None, lambda _running: None)
        stack.callback(supervisor.stop)
        supervisor.start()
        count = min(plan.count, _COUNT)
        send(Orders(system.ports.edge, _WARM, plan.mail, prefix="warm"))
        wait_for_all(system, _WARM, arrivals)
        for run in range(plan.runs):
            prefix = f"r{run}x"
            outcome = send(
                Orders(system.ports.edge, count, plan.mail, connections=2, rate=_RATE, prefix=prefix)
            )
            wait_for_all(system, _WARM + count * (run + 1), arrivals)
            arrived = letters(arrivals)
            names = {f"{prefix}{each.number:06}@example.com": each.answered for each in outcome.sent}
            delays = [
                1000 * (arrived[name] - answered) for name, answered in names.items() if name in arrived
            ]
            table.add(_ROW, MEDIAN, statistics.median(delays))
            table.add(_ROW, P99, percentile(delays, 99))
            table.add(_ROW, "most ms", max(delays))
            plan.say(f"latency: median {statistics.median(delays):.1f} ms of {len(delays)}")
    median, high = table.median(_ROW, MEDIAN), table.median(_ROW, P99)
    table.goals.append(Goal(3, "from 250 to the inbox, median", median, 60, " ms", at_most=True))
    table.goals.append(Goal(3, "from 250 to the inbox, 99th percentile", high, 250, " ms", at_most=True))
    return table
