"""Table backlog: a spool that is filled at once, until the last message is delivered.

Everything runs already, with nothing to do. The clock starts with the first of the renames that fill the
spool, as for MailScanner's figures. It stops when the relay has handed the last message to its discard
transport (the counterpart to the figures of the goals), or, with --maildir, to its Maildir.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import statistics
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from benchmarks import alone, feed
from benchmarks.arrivals import Arrivals
from benchmarks.driver.mail import messages
from benchmarks.driver.orders import Orders
from benchmarks.filled import move, take
from benchmarks.goals import Goal
from benchmarks.load import LoadError, send
from benchmarks.meter import Meter
from benchmarks.plan import Plan
from benchmarks.redisinfo import ask
from benchmarks.reference import FASTEST, MAILSCANNER, speed
from benchmarks.sites import discarding, letters, site, spooled, wait_for_all
from benchmarks.table import CPU, OTHERS, Table
from mailmill.spool import Spool
from mailmill_local.ports import Ports
from mailmill_local.servers.base import Server
from mailmill_local.servers.rspamd import Rspamd
from mailmill_local.servers.spamd import Spamd
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
#: Processes of the engine, and messages at a time when it is fed directly: enough to keep all of them busy.
_PROCESSES: Final = os.cpu_count() or 1
_AT_ONCE: Final = 2 * _PROCESSES
#: Redis commands that the note of a row names.
_TOP: Final = 12


def measure(plan: Plan) -> Table:
    """Return the table."""
    table = Table("backlog", f"Backlog: {plan.count} messages from the spool to the last delivery over QMQP")
    engines = [engine for engine in ENGINES if plan.wants(engine)]
    full = _fill(plan)
    for _ in range(plan.runs):
        machine = speed(alone.rates(plan))
        table.add("machine", "speed", machine)
        for engine in engines:
            _row(plan, table, engine, full)
            if engine in {"rspamd", "spamassassin"}:
                _direct(plan, table, engine)
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
    rates, machine = table.rows[engine][RATE].values, table.rows["machine"]["speed"].values
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
    if engine == "spamassassin":
        servers.append(Spamd(directory / "spamd", port=spam, processes=_PROCESSES))
    if engine == "rspamd":
        servers.append(_rspamd(directory, spam))
    return system, servers


def _rspamd(directory: Path, port: int) -> Rspamd:
    return Rspamd(directory / "rspamd", port=port, processes=_PROCESSES)


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


def _direct(plan: Plan, table: Table, engine: str) -> None:
    """Feed the engine alone with the same messages."""
    contents = messages(plan.mail, plan.count)
    directory = plan.directory / "direct"
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(mode=0o711)
    port = Ports.free().rspamd
    server: Server = (
        _rspamd(directory, port)
        if engine == "rspamd"
        else Spamd(directory / "spamd", port=port, processes=_PROCESSES)
    )
    with server:
        meter = Meter({"engine": [server]})
        meter.start()
        rate = feed.feed(getattr(feed, "rspamd" if engine == "rspamd" else "spamd"), port, contents, _AT_ONCE)
        costs = meter.stop()
    table.add(engine + DIRECT, RATE, rate)
    table.add(engine + DIRECT, "engine" + CPU, costs.per_message(plan.count)["engine"])
    table.add(engine + DIRECT, OTHERS, costs.others)
    plan.say(f"backlog {engine}{DIRECT}: {rate:.1f} msg/s, others had {costs.others:.2f} cores")
