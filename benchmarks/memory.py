"""Table memory: an edge process and a scan child over many messages, and one message of 50 MB.

The engines are off, the relay discards. RSS holds every page of a process; PSS shares out those that
processes of one program have in common, and so tells what one more process costs.
"""

from __future__ import annotations

import contextlib
import statistics
from collections.abc import Iterator
from typing import Final

from benchmarks.arrivals import Arrivals
from benchmarks.backlog import ENGINES
from benchmarks.driver.orders import Mail, Orders
from benchmarks.goals import Goal
from benchmarks.load import send
from benchmarks.plan import Plan
from benchmarks.samples import Peak, largest
from benchmarks.sites import discarding, site, wait_for_all
from benchmarks.table import Table
from mailmill_local.ports import Ports
from mailmill_local.servers.base import Server
from mailmill_local.system import System

#: Messages in all: of a usual run, a quick one and a long one.
_COUNT, _QUICK_COUNT, _LONG_COUNT = 6_000, 200, 100_000
#: The messages are sent in so many rounds, with a look after each.
_ROUNDS: Final = 10
#: Rounds after which everything was met once.
_WARM: Final = 2
#: Bytes of the large message, and of it in a quick run.
_LARGE, _QUICK_LARGE = 50_000_000, 5_000_000
#: Bytes of a process: the goals.
_BOUNDS: Final = {"edge process": 60, "scan child": 150}
#: How much larger a process may be at the end than when it was warm.
_FLAT: Final = 1.1
#: How many times the size of a message a process may grow by.
_TIMES: Final = 8
_MEGABYTE: Final = 1_000_000
RESIDENT: Final = "RSS MB"
GROWTH: Final = "large message, times its size"


def measure(plan: Plan) -> Table:
    """Return the table; one run, because it is long and has hardly any spread."""
    count = _QUICK_COUNT if plan.quick else _LONG_COUNT if plan.long else _COUNT
    table = Table("memory", f"Memory of a process over {count:,} messages")
    arrivals = Arrivals()
    changes = {**ENGINES["none"], "Max Bytes In Flight": "500m"}
    system = site(plan.directory / "memory", Ports.free(), changes, arrivals)
    discarding(system, arrivals)
    watched: dict[str, Server] = {
        "edge process": system.milter,
        "queue manager": system.queue_manager,
        "scan child": system.scan,
        "deliver child": system.deliver,
    }
    with contextlib.ExitStack() as stack:
        for server in _servers(system):
            stack.enter_context(server)
        for number in range(_ROUNDS):
            each = count // _ROUNDS
            orders = Orders(
                system.ports.edge, each, _reseeded(plan.mail, number), connections=10, prefix=f"m{number}x"
            )
            send(orders)
            wait_for_all(system, each * (number + 1), arrivals)
            for name, server in watched.items():
                found = largest(server)
                table.add(name, RESIDENT, found.resident / _MEGABYTE)
                table.add(name, "PSS MB", found.proportional / _MEGABYTE)
        _large(plan, table, system, watched, arrivals)
    table.notes.append("The spread is that over the rounds, from the first to the last.")
    table.goals += goals(table)
    return table


def goals(table: Table) -> Iterator[Goal]:
    """Yield the goals of all processes."""
    for name in table.rows:
        sizes = table.rows[name][RESIDENT].values
        if name in _BOUNDS:
            yield Goal(5, f"memory of {name}", max(sizes), _BOUNDS[name], " MB", at_most=True)
        grown = sizes[-1] / statistics.median(sizes[_WARM - 1 : _WARM + 1])
        yield Goal(5, f"{name} at the end, to when it was warm", grown, _FLAT, " times", at_most=True)
        what = f"{name} with a large message, growth to its size"
        yield Goal(5, what, table.median(name, GROWTH), _TIMES, " times", at_most=True)


def _large(plan: Plan, table: Table, system: System, watched: dict[str, Server], arrivals: Arrivals) -> None:
    """Send one large message and see how far everybody grows."""
    size = _QUICK_LARGE if plan.quick else _LARGE
    peaks = {name: Peak(server) for name, server in watched.items()}
    before = len(arrivals.times())
    send(Orders(system.ports.edge, 1, Mail(median=size, sigma=0), prefix="large"))
    wait_for_all(system, before + 1, arrivals)
    for name, peak in peaks.items():
        table.add(name, GROWTH, peak.growth() / size)


def _servers(system: System) -> list[Server]:
    """Return all but the engines and the console, in the order in which they are started."""
    return [
        system.relay,
        system.redis,
        system.recorder,
        system.deliver,
        system.scan,
        system.queue_manager,
        system.milter,
        system.edge,
    ]


def _reseeded(mail: Mail, seed: int) -> Mail:
    """Return another choice of messages of the same kind."""
    return Mail(mail.corpus, mail.seed + seed, mail.median, mail.sigma)
