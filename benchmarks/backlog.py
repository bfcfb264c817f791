"""Table backlog: a spool that is filled at once, until the last message is delivered.

Everything runs already, with nothing to do. The clock starts with the first of the renames that fill the
spool, as for MailScanner's figures. It stops when the relay has handed the last message to its discard
transport (the counterpart to the figures of the goals), or, with --maildir, to its Maildir.
"""

from __future__ import annotations

import contextlib
import statistics
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from benchmarks import direct
from benchmarks.arrivals import Arrivals
from benchmarks.direct import Direct
from benchmarks.driver.mail import messages
from benchmarks.driver.orders import Orders
from benchmarks.filled import move, take
from benchmarks.goals import Goal
from benchmarks.load import LoadError, send
from benchmarks.meter import Meter
from benchmarks.plan import COUNT, Plan
from benchmarks.redisinfo import ask
from benchmarks.reference import EACH, FASTEST, MAILSCANNER, speed
from benchmarks.sites import discarding, letters, site, spooled, wait_for_all
from benchmarks.table import CPU, OTHERS, Table
from mailmill.spool import Spool
from mailmill_local.ports import Ports
from mailmill_local.servers.base import Server
from mailmill_local.system import System

#: Options by engine.
ENGINES: Final = {
    "none": {"Virus Scanning": "no", "Spam Checks": "no"},
    "clamd": {"Virus Scanning": "yes", "Spam Checks": "no"},
    "rspamd": {"Virus Scanning": "no", "Spam Checks": "yes", "Spam Scanner": "rspamd"},
    "spamassassin": {"Virus Scanning": "no", "Spam Checks": "yes", "Spam Scanner": "spamassassin"},
}
#: What --only may name.
PARTS: Final = tuple(ENGINES)
RATE: Final = "msg/s"
DIRECT: Final = " fed directly"
#: The column with the speed of the machine during a row, as a multiple of that of the reference.
SPEED: Final = "speed of the machine"
#: Redis commands that the note of a row names.
_TOP: Final = 12


def measure(plan: Plan) -> Table:
    """Return the table."""
    table = Table("backlog", f"Backlog: {plan.count} messages from the spool to the last delivery over QMQP")
    engines = [engine for engine in ENGINES if plan.wants(engine)]
    full = _fill(plan)
    contents, sample = messages(plan.mail, plan.count), messages(plan.mail, COUNT)[::EACH]
    for _ in range(plan.runs):
        for engine in engines:
            itself = engine in direct.ENGINES
            beside = Direct(engine if itself else "spamassassin", plan.directory / "direct")
            before, after = (contents[::2], contents[1::2]) if itself else (sample, sample)
            beside.feed(before)
            _row(plan, table, engine, full)
            beside.feed(after)
            if itself:
                _add_direct(plan, table, engine, beside)
            else:
                table.add(engine, SPEED, speed(beside.rate))
    table.goals += goals(table)
    table.notes += notes(table)
    return table


def goals(table: Table) -> Iterator[Goal]:
    """Yield the goals of the engines that were measured."""
    for engine, times in (("none", 10), ("clamd", 8)):
        if engine in table.rows:
            what = f"backlog with {engine}, to MailScanner's {MAILSCANNER[engine]:g} msg/s on such a machine"
            yield Goal(2, what, _times(table, engine, MAILSCANNER), times, " times")
    for engine, bound in (("rspamd", 0.85), ("spamassassin", 1 / 1.1)):
        if engine in table.rows:
            ratios = table.ratios(engine, engine + DIRECT, RATE)
            what = f"backlog with {engine}, to {engine} fed directly"
            yield Goal(2, what, statistics.median(ratios), bound, " times")


def notes(table: Table) -> list[str]:
    """Return the comparison with MailScanner at its fastest, which is no goal."""
    return [
        f"To MailScanner at its fastest, {FASTEST[engine]:g} msg/s with {engine} on such a machine (it signs "
        f"nothing and works in memory): {_times(table, engine, FASTEST):.3g} times."
        for engine in FASTEST
        if engine in table.rows
    ]


def _times(table: Table, engine: str, mailscanner: Mapping[str, float]) -> float:
    """Return the rate with an engine as a multiple of MailScanner's, had that run here."""
    rates, machine = table.rows[engine][RATE].values, table.rows[engine][SPEED].values
    ratios = [rate / (mailscanner[engine] * factor) for rate, factor in zip(rates, machine, strict=True)]
    return statistics.median(ratios)


def _fill(plan: Plan) -> Path:
    """Fill a spool through an edge and return its directory."""
    system = site(plan.directory / "fill", Ports.free(), {})
    with system.milter, system.edge:
        send(Orders(system.ports.edge, plan.count, plan.mail))
    if len(spooled(Spool(system.places.incoming))) != plan.count:
        raise LoadError("the spool was not filled")
    return system.places.incoming


def _build(plan: Plan, engine: str, arrivals: Arrivals) -> tuple[System, list[Server]]:
    """Return a prepared system whose relay discards, and the servers of its engine."""
    ports = Ports.free()
    directory = plan.directory / "backlog"
    spam = ports.rspamd
    options = dict(ENGINES[engine])
    if engine == "spamassassin":
        options["Spamd Socket"] = f"127.0.0.1:{spam}"
    system = site(directory, ports, options, arrivals)
    if not plan.maildir:
        discarding(system, arrivals)
    servers: list[Server] = []
    if engine == "clamd":
        servers.append(system.clamd)
    if engine in direct.ENGINES:
        servers.append(direct.server(engine, directory, spam))
    return system, servers


def _row(plan: Plan, table: Table, engine: str, full: Path) -> None:
    arrivals, count = Arrivals(), plan.count
    system, engines = _build(plan, engine, arrivals)
    staged = plan.directory / "staged"
    take(full, staged, count)
    stages: dict[str, list[Server]] = {
        "queue manager": [system.queue_manager],
        "scan": [system.scan],
        "deliver": [system.deliver],
        "relay": [system.relay],
        "redis": [system.redis],
        "recorder": [system.recorder],
        "engine": engines,
    }
    with contextlib.ExitStack() as stack:
        for server in (
            system.relay,
            system.redis,
            *engines,
            system.recorder,
            system.deliver,
            system.scan,
            system.queue_manager,
        ):
            stack.enter_context(server)
        meter = Meter(stages)
        before = ask(system.ports.redis)
        meter.start()
        start = time.monotonic()
        move(staged, system.places.incoming)
        wait_for_all(system, count, arrivals)
        costs = meter.stop()
        traffic = ask(system.ports.redis).since(before)
        times = list(letters(arrivals).values())
    seconds = max(times) - start
    table.add(engine, RATE, count / seconds)
    table.add(engine, "steady msg/s", (len(times) - 1) / max(max(times) - min(times), 1e-9))
    table.add(engine, "first after s", min(times) - start)
    for stage, cost in costs.per_message(count).items():
        table.add(engine, stage + CPU, cost)
    table.add(engine, "redis commands", traffic.commands / count)
    table.add(engine, "redis kB in", traffic.received / count / 1000)
    table.add(engine, "redis kB out", traffic.sent / count / 1000)
    table.add(engine, OTHERS, costs.others)
    plan.say(
        f"backlog {engine}: {count / seconds:.1f} msg/s, others had {costs.others:.2f} cores; "
        f"Redis calls per message: {traffic.top(_TOP, count)}"
    )


def _add_direct(plan: Plan, table: Table, engine: str, beside: Direct) -> None:
    row = engine + DIRECT
    table.add(row, RATE, beside.rate)
    table.add(row, "engine" + CPU, beside.cpu)
    table.add(row, OTHERS, beside.others)
    plan.say(f"backlog {row}: {beside.rate:.1f} msg/s, others had {beside.others:.2f} cores")
