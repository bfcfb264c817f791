"""Table edge: how fast an edge takes mail over, next to the same Postfix without a milter.

Each run measures all rows one after the other, so that what slows the machine meets all of them. In the rows
of the milter only the edge runs: Postfix and the milter, which answers when the message is durable. In those
of Postfix alone its queue manager hands everything to discard(8) meanwhile, as in the figures of the goals.
The rows `bare` have a milter that keeps nothing: the bound for any that is built on pymilter.
Where there is a milter, the queue of its Postfix is in memory, as `make up` has it (ADR 18): what was taken
over is on Mailmill's disk, and Postfix drops its own copy. In the rows `disk` it is on disk, where that of
Postfix alone must be.
"""

from __future__ import annotations

import contextlib
import shutil
import statistics
from collections.abc import Container, Iterator
from typing import Final

from benchmarks.alone import drain, postfix_alone
from benchmarks.baremilter import BareMilter
from benchmarks.driver.orders import Orders
from benchmarks.goals import Goal
from benchmarks.load import LoadError, send
from benchmarks.meter import Meter
from benchmarks.plan import Plan
from benchmarks.sites import empty, site, spooled
from benchmarks.spread import percentile
from benchmarks.table import CPU, OTHERS, Table
from mailmill.spool import Spool
from mailmill_local.ports import Ports
from mailmill_local.probes import ask, free_port
from mailmill_local.servers import mailmill
from mailmill_local.servers.base import Server
from mailmill_local.servers.edge import PostfixEdge, queue_in_memory

CONNECTIONS: Final = (1, 10, 50)
#: How often a row sends the messages of the plan: over 50 connections Postfix takes 2,020 in 1.3 s, in which
#: most of its processes begin, and before ext4 misses the inodes that it has just freed.
ROUNDS: Final = 4
PLAIN: Final = "postfix"
BARE: Final = "bare"
#: The milter on a unix socket, with Postfix's queue on disk.
DISK: Final = "disk"
#: The kinds of milter socket.
KINDS: Final = ("unix", "inet")
#: What --only may name.
PARTS: Final = (BARE, DISK, *KINDS)
#: Processes of the milter that keeps nothing: libmilter's threads share an interpreter.
_BARE_PROCESSES: Final = 2
#: Seconds of load for the latency at half load.
_LATENCY_SECONDS: Final = 10.0
RATE: Final = "msg/s"
ADDED: Final = "added at half load, median ms"


def measure(plan: Plan) -> Table:
    """Return the table."""
    table = Table("edge", "Edge: durable accept, and the same Postfix queueing to a discard transport")
    with contextlib.ExitStack() as stack:
        edges = {PLAIN: _plain(stack.enter_context(postfix_alone(plan.directory)))}
        if plan.wants(BARE):
            edges[BARE] = stack.enter_context(_bare(plan))
        for kind in (DISK, *KINDS):
            if plan.wants(kind):
                edges[kind] = stack.enter_context(_mailmill(plan, kind))
        for _ in range(plan.runs):
            for connections in CONNECTIONS:
                for kind, edge in edges.items():
                    edge.throughput(plan, table, f"{kind} {connections}", connections)
            _latency(plan, table, edges)
    table.goals += goals(table, edges)
    return table


def goals(table: Table, kinds: Container[str]) -> Iterator[Goal]:
    """Yield the goals of the kinds of milter socket that were measured."""
    for kind, bound in (("unix", 1.0), ("inet", 0.8)):
        if kind not in kinds:
            continue
        for connections in CONNECTIONS:
            ratios = table.ratios(f"{kind} {connections}", f"{PLAIN} {connections}", RATE)
            if ratios:
                what = f"edge over {kind}, {connections} connections, to Postfix alone"
                yield Goal(1, what, statistics.median(ratios), bound, " times")
        added = table.median(f"{kind} half load", ADDED)
        what = f"edge over {kind}, latency added to a message at half load"
        yield Goal(1, what, added, 5, " ms", at_most=True)


class _Edge:
    """A Postfix that takes mail, and who helps it."""

    def __init__(self, postfix: PostfixEdge, stages: dict[str, list[Server]], spool: Spool | None) -> None:
        self.postfix = postfix
        self._meter = Meter(stages)
        self._spool = spool

    def throughput(self, plan: Plan, table: Table, row: str, connections: int) -> None:
        """Measure a row: as fast as the connections go."""
        count = ROUNDS * plan.count
        self._meter.start()
        outcome = send(Orders(self.postfix.port, count, plan.mail, connections=connections))
        self.drain(count)
        costs = self._meter.stop(outcome.cpu)
        table.add(row, RATE, outcome.rate)
        for stage, cost in costs.per_message(count).items():
            table.add(row, stage + CPU, cost)
        table.add(row, "driver share", outcome.cpu / outcome.seconds)
        table.add(row, "median ms", 1000 * statistics.median(outcome.latencies))
        table.add(row, OTHERS, costs.others)
        plan.say(f"edge {row}: {outcome.rate:.0f} msg/s, others had {costs.others:.2f} cores")

    def latencies(self, plan: Plan, rate: float) -> list[float]:
        """Return the seconds from each message's turn to its 250 at a steady rate."""
        count = max(20, round(rate * (1 if plan.quick else _LATENCY_SECONDS)))
        outcome = send(Orders(self.postfix.port, count, plan.mail, connections=10, rate=rate))
        self.drain(count)
        return outcome.latencies

    def drain(self, count: int) -> None:
        """See that all is where it belongs, and make room for the next row.

        Raises:
            LoadError: messages are missing, or Postfix does not get rid of them.
        """
        if self._spool is None:
            drain(self.postfix)
            return
        kept = len(spooled(self._spool))
        if kept != count:
            raise LoadError(f"{count} messages were accepted and {kept} are in the spool")
        empty(self._spool)


def _plain(postfix: PostfixEdge) -> _Edge:
    return _Edge(postfix, {"postfix": [postfix]}, None)


@contextlib.contextmanager
def _bare(plan: Plan) -> Iterator[_Edge]:
    directory = plan.directory / BARE
    directory.mkdir(mode=0o711)
    milter = BareMilter(directory / "milter", processes=_BARE_PROCESSES)
    postfix = PostfixEdge(
        directory / "edge",
        port=free_port(),
        milter=milter.socket,
        next_hop=free_port(),
        memory=queue_in_memory(directory / "edge"),
    )
    with milter, postfix:
        yield _Edge(postfix, {"postfix": [postfix], "milter": [milter]}, None)


def _latency(plan: Plan, table: Table, edges: dict[str, _Edge]) -> None:
    """Measure all kinds at half of what the slowest of them takes over 10 connections."""
    rates = [table.rows[f"{kind} 10"][RATE].values[-1] for kind in edges]
    rate = min(rates) / 2
    medians = {}
    for kind, edge in edges.items():
        latencies = edge.latencies(plan, rate)
        row = f"{kind} half load"
        medians[kind] = 1000 * statistics.median(latencies)
        table.add(row, RATE, rate)
        table.add(row, "median ms", medians[kind])
        table.add(row, "p99 ms", 1000 * percentile(latencies, 99))
        if kind != PLAIN:
            table.add(row, ADDED, medians[kind] - medians[PLAIN])
        plan.say(f"edge {row}: median {medians[kind]:.2f} ms at {rate:.0f} msg/s")


@contextlib.contextmanager
def _mailmill(plan: Plan, kind: str) -> Iterator[_Edge]:
    ports = Ports.free()
    directory = plan.directory / kind
    shutil.rmtree(directory, ignore_errors=True)
    port = free_port()
    changes = {"Milter Bind": "127.0.0.1", "Milter Port": str(port)} if kind == "inet" else {}
    system = site(directory, ports, changes)
    home, conf = system.places.run, system.places.conf
    if kind == "inet":
        milter: Server = mailmill.MailmillProcess(
            home,
            name="milter",
            arguments=["mailmill", "milter"],
            conf=conf,
            ready=lambda: ask(port, b"", b""),
        )
    else:
        milter = system.milter
    postfix = PostfixEdge(
        directory / "edge",
        port=ports.edge,
        milter=port if kind == "inet" else system.places.milter_socket,
        next_hop=ports.relay_smtp,
        memory=None if kind == DISK else queue_in_memory(directory / "edge"),
    )
    with milter, postfix:
        yield _Edge(postfix, {"postfix": [postfix], "milter": [milter]}, Spool(system.places.incoming))
