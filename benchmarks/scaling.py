"""Table scaling: an engine that takes 200 ms and no processor, and more and more of what surrounds it.

Workers: Celery workers of scan with one pool process, as a host more would bring them, each with an engine of
its own that looks into one message after the other: so only the engine's time limits them. A batch is what an
engine does in a second. Edges: queue managers with spools of their own, each with four batches under way, in
front of as many workers as all of them can use. Redis is asked what each message cost it.
"""

from __future__ import annotations

import contextlib
import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from benchmarks.arrivals import Arrivals
from benchmarks.driver.mail import messages
from benchmarks.driver.orders import Mail
from benchmarks.filled import fill
from benchmarks.goals import Goal
from benchmarks.meter import Meter
from benchmarks.plan import Plan
from benchmarks.redisinfo import ask
from benchmarks.sites import discarding, letters, site, wait_for_all
from benchmarks.slowengine import SlowEngines
from benchmarks.table import CPU, OTHERS, Table
from mailmill_local.configuration import Places, mailscanner_conf
from mailmill_local.ports import Ports
from mailmill_local.probes import HOST, free_port
from mailmill_local.servers import mailmill
from mailmill_local.servers.base import Server
from mailmill_local.system import System

#: Seconds that the engine takes for a message.
ENGINE_SECONDS: Final = 0.2
WORKERS: Final = (1, 2, 4, 8, 16)
EDGES: Final = (1, 2, 4)
#: What --only may name.
PARTS: Final = ("workers", "edges", "contents")
#: Messages of a batch in the rows of workers.
BATCH: Final = 5
#: Messages that an edge has under way in the rows of edges, each in a batch of its own.
WINDOW: Final = 2
#: Seconds that a row should take.
ROW_SECONDS: Final = 15.0
#: The share of the deliveries at either end that does not count: workers begin one after the other, and at
#: the end some have a batch more than others.
ENDS: Final = 0.1
#: Bytes of all messages: their size is not what this is about.
_SIZE: Final = 3900
#: Bytes of those that are large enough for the contents to outweigh everything else in Redis.
_LARGE: Final = 500_000
#: What all rows are started with.
OPTIONS: Final = {
    "Virus Scanning": "yes",
    "Clamd Socket": HOST,
    "Spam Checks": "no",
    "Max Unscanned Messages Per Scan": str(BATCH),
}
_FEW_UNDER_WAY: Final = {"Max Messages In Flight": str(WINDOW), "Max Unscanned Messages Per Scan": "1"}
RATE: Final = "msg/s"
CONTENTS: Final = "contents of 500 kB"
CROSSINGS: Final = "bytes in Redis per byte of content"
#: Contents cross at most twice; the rest is for names and replies.
_MOST_CROSSINGS: Final = 2.05


@dataclass(frozen=True)
class _Shape:
    """How many of what."""

    edges: int
    workers: int
    options: Mapping[str, str]

    def messages(self, seconds: float) -> int:
        """Return the messages of each edge that keep the workers busy for so long."""
        return max(2, round(seconds * self.workers / self.edges / ENGINE_SECONDS))


def measure(plan: Plan) -> Table:
    """Return the table."""
    table = Table("scaling", "Scaling: an engine that takes 200 ms and no processor")
    for _ in range(plan.runs):
        for workers in WORKERS[: 2 if plan.quick else None]:
            if plan.wants("workers"):
                _row(table, plan, f"workers {workers}", _Shape(1, workers, {}))
        for edges in EDGES[: 2 if plan.quick else None]:
            if plan.wants("edges"):
                shape = _Shape(edges, edges * WINDOW, _FEW_UNDER_WAY)
                _row(table, plan, f"edges {edges}", shape)
        if plan.wants("contents"):
            _row(table, plan, CONTENTS, _Shape(1, 2, {}), _LARGE)
    table.goals += goals(table)
    return table


def goals(table: Table) -> Iterator[Goal]:
    """Yield the goals of the rows that were measured."""
    for kind, numbers in (("workers", WORKERS), ("edges", EDGES)):
        for fewer, more in pairwise(numbers):
            ratios = table.ratios(f"{kind} {more}", f"{kind} {fewer}", RATE)
            if ratios:
                yield Goal(4, f"from {fewer} to {more} {kind}", statistics.median(ratios), 1.9, " times")
    crossings = table.median(CONTENTS, CROSSINGS)
    if crossings is not None:
        what = "how often contents go into Redis or come out of it"
        yield Goal(4, what, crossings, _MOST_CROSSINGS, " times", at_most=True)


def _row(table: Table, plan: Plan, row: str, shape: _Shape, size: int = _SIZE) -> None:
    """Measure a row: messages a second between the ends."""
    arrivals = Arrivals()
    ports = Ports.free()
    directory = plan.directory / "scaling"
    options = {**OPTIONS, **shape.options}
    system = site(directory, ports, options, arrivals)
    discarding(system, arrivals)
    engines = SlowEngines(
        directory / "engines", ports=[free_port() for _ in range(shape.workers)], seconds=ENGINE_SECONDS
    )
    scans = [_worker(system, number, port) for number, port in enumerate(engines.ports, 1)]
    each = shape.messages(1 if plan.quick else ROW_SECONDS)
    count = each * shape.edges
    edges = [_edge(system, number, options, each, size) for number in range(shape.edges)]
    managers: list[Server] = [manager for manager, _ in edges]
    stages: dict[str, Sequence[Server]] = {
        "queue manager": managers,
        "scan": scans,
        "deliver": [system.deliver],
        "relay": [system.relay],
        "redis": [system.redis],
    }
    with contextlib.ExitStack() as stack:
        for server in (system.relay, system.redis, engines, system.recorder, system.deliver, *scans):
            stack.enter_context(server)
        meter = Meter(stages)
        before = ask(ports.redis)
        meter.start()
        for manager in managers:
            stack.callback(manager.stop)
            manager.start()
        spools = [spool for _, places in edges for spool in (places.incoming, places.outgoing)]
        wait_for_all(system, count, arrivals, spools)
        costs = meter.stop()
        traffic = ask(ports.redis).since(before)
    rate = rate_between(sorted(letters(arrivals).values()))
    table.add(row, RATE, rate)
    table.add(row, "of the engine's time", rate * ENGINE_SECONDS / shape.workers)
    for stage, cost in costs.per_message(count).items():
        table.add(row, stage + CPU, cost)
    table.add(row, "redis commands", traffic.commands / count)
    table.add(row, "redis kB in", traffic.received / count / 1000)
    table.add(row, "redis kB out", traffic.sent / count / 1000)
    table.add(row, CROSSINGS, max(traffic.received, traffic.sent) / (count * size))
    table.add(row, OTHERS, costs.others)
    plan.say(f"scaling {row}: {rate:.1f} msg/s, others had {costs.others:.2f} cores")


def rate_between(times: Sequence[float]) -> float:
    """Return the deliveries a second between the ends.

    Args:
        times: When each was, in seconds and in order.
    """
    end = round(len(times) * ENDS)
    middle = times[end : len(times) - end]
    return (len(middle) - 1) / (middle[-1] - middle[0])


def _worker(system: System, number: int, port: int) -> Server:
    worker = mailmill.worker("scan", system.places.run, system.places.conf, concurrency=1, number=number)
    worker.variables["MAILMILL_CLAMD_PORT"] = str(port)
    return worker


def _edge(
    system: System, number: int, options: Mapping[str, str], count: int, size: int
) -> tuple[Server, Places]:
    """Return the queue manager of an edge and its filled places; all edges share the servers."""
    name = f"edge{number + 1}"
    places = Places(system.directory / name)
    places.create()
    text = mailscanner_conf(places, system.ports, system.clamd.socket, {**options, "Edge Name": name})
    places.conf.write_text(text)
    contents = messages(Mail(median=size, sigma=0, seed=number), count)
    fill(places.incoming, contents, name, first=number * count)
    return mailmill.queue_manager(places.run, places.conf), places
