"""Costs from what `make bench` has measured.

What a task costs, apart from its messages, is the difference between a row in which each message goes on by
itself (`scaling`) and one with full batches (`backlog`).
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from msgspec.structs import replace

from benchmarks.backlog import ENGINES
from benchmarks.capacity.costs import Cost, Costs, Engine
from benchmarks.capacity.edge import IN_FLIGHT_PER_BATCHED, SENDING
from benchmarks.capacity.parts import Parts
from benchmarks.capacity.shape import BATCH, WINDOW
from benchmarks.latency import MEDIAN
from benchmarks.scaling import WORKERS
from benchmarks.table import CPU, OTHERS, Table, load

#: Names of the stages in the tables.
STAGES: Final = ("queue manager", "scan", "deliver", "relay", "redis", "recorder")
#: The row of `edge` whose costs are taken: an edge that is busy.
_EDGE_ROW: Final = "unix 10"
#: Mean size of the messages of the corpus, in bytes.
_MESSAGE_BYTES: Final = 7700
#: Small files a second that a disk makes durable; file systems here do 2,000 to 6,000.
_DURABLE_FILES: Final = 3000
#: Appended messages; they do 7,000 with a sync for each, more with one for several.
_DURABLE_APPENDS: Final = 7000
#: Hand-overs between 250 and the inbox: to scan and to deliver.
_HAND_OVERS: Final = 2
#: The most that may be taken for work after handing on.
_MOST_AFTERWARDS: Final = 0.8
LATENCY_ROW: Final = "no engine"


class MissingError(Exception):
    """A table or a figure that is needed was not measured."""


def tables(directory: Path) -> dict[str, Table]:
    """Return the tables that were measured, by name."""
    return {path.stem: load(path) for path in sorted(directory.glob("*.json"))}


def fit(measured: dict[str, Table], before: Costs) -> Costs:
    """Return the costs; those of an edge stay as they were `before` when the table edge was not measured.

    Raises:
        MissingError: a table or a figure is missing.
    """
    backlog = _table(measured, "backlog")
    edge = measured.get("edge")
    start = 1000 * figure(backlog, "none", "first after s")
    starts = {"queue manager": start}
    stages = {stage: _cost(measured, stage, starts.get(stage, 0.0)) for stage in STAGES}
    costs = Costs(
        source=_source(measured),
        postfix=before.postfix if edge is None else Cost(figure(edge, _EDGE_ROW, "postfix" + CPU)),
        milter=before.milter if edge is None else Cost(figure(edge, _EDGE_ROW, "milter" + CPU)),
        queue_manager=stages["queue manager"],
        scan=stages["scan"],
        deliver=stages["deliver"],
        relay=stages["relay"],
        redis=stages["redis"],
        recorder=stages["recorder"],
        engines={engine: _engine(backlog, engine) for engine in ENGINES if engine in backlog.rows},
        redis_commands=figure(backlog, "none", "redis commands"),
        redis_received=1000 * figure(backlog, "none", "redis kB in"),
        redis_sent=1000 * figure(backlog, "none", "redis kB out"),
        message_bytes=_MESSAGE_BYTES,
        hand_over=0.0,
        afterwards=0.0,
        ending=0.0,
        durable_files=_DURABLE_FILES,
        durable_appends=_DURABLE_APPENDS,
    )
    if "latency" in measured:
        costs = idle(costs, figure(measured["latency"], LATENCY_ROW, MEDIAN))
    return costs


def figure(table: Table, row: str, column: str) -> float:
    """Return a median.

    Raises:
        MissingError: it was not measured.
    """
    value = table.median(row, column)
    if value is None:
        raise MissingError(f"{table.name}: no {column!r} of {row!r}")
    return value


def count(backlog: Table) -> int:
    """Return how many messages each row of the backlog had."""
    found = re.search(r"(\d+) messages", backlog.title)
    if found is None:
        raise MissingError(f"{backlog.name}: the title does not say how many messages")
    return int(found[1])


def _table(measured: dict[str, Table], name: str) -> Table:
    if name not in measured:
        raise MissingError(f"there is no table {name}: make bench ARGS={name}")
    return measured[name]


def _source(measured: dict[str, Table]) -> str:
    others = measured["backlog"].median("none", OTHERS) or 0.0
    names = [name for name in ("edge", "backlog", "scaling", "latency") if name in measured]
    kept = "" if "edge" in measured else "; those of an edge are of an earlier run"
    return f"tables {', '.join(names)} (others had {others:.2f} cores meanwhile){kept}"


def _cost(measured: dict[str, Table], stage: str, start: float) -> Cost:
    """Return a cost from a row with full batches and one with single messages."""
    backlog = _table(measured, "backlog")
    full = figure(backlog, "none", stage + CPU) - start / count(backlog)
    scaling = _table(measured, "scaling")
    row = f"workers {max(WORKERS)}"
    single = scaling.median(row, stage + CPU)
    if single is None:
        return Cost(full, 0.0, start)
    return split(full, single, batches(count(backlog)), start)


def split(full: float, single: float, batch: float, start: float = 0.0) -> Cost:
    """Return the cost with which a message in a `batch` costs `full` ms, and one alone `single` ms."""
    task = max(0.0, (single - full) * batch / (batch - 1))
    return Cost(max(0.0, full - task / batch), task, start)


def _engine(backlog: Table, engine: str) -> Engine:
    if engine == "none":
        return Engine()
    more = figure(backlog, engine, "scan" + CPU) - figure(backlog, "none", "scan" + CPU)
    return Engine(figure(backlog, engine, "engine" + CPU), max(0.0, more))


def idle(costs: Costs, median: float) -> Costs:
    """Return the costs with which a message takes `median` ms through an idle cluster.

    What it takes beyond its processor time are hand-overs; what it takes less was spent after handing on.
    """
    sending = 1000 * costs.queue_manager.seconds(1) * SENDING
    redis = 1000 * costs.redis.seconds(1) * (Parts.VISITS - 1) / Parts.VISITS
    tasks = costs.scan.task + costs.deliver.task
    messages = costs.scan.message + costs.deliver.message
    beyond = median - (sending + redis + messages + tasks + 1000 * costs.relay.seconds(1))
    return replace(
        costs,
        hand_over=max(0.0, beyond / _HAND_OVERS),
        afterwards=min(_MOST_AFTERWARDS, max(0.0, -beyond / tasks)) if tasks else 0.0,
    )


def batches(messages: int) -> float:
    """Return the mean batch of a backlog: batches grow with what is in flight until they are full."""
    tasks = left = 0
    while left < messages:
        left += min(BATCH, 1 + min(left, WINDOW) // IN_FLIGHT_PER_BATCHED)
        tasks += 1
    return messages / tasks
