"""The model next to what was measured on one machine, row by row."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from msgspec.structs import replace

from benchmarks.capacity.costs import Costs, Engine
from benchmarks.capacity.fit import LATENCY_ROW, count, figure
from benchmarks.capacity.shape import Shape
from benchmarks.capacity.simulation import backlog, traffic
from benchmarks.latency import MEDIAN
from benchmarks.scaling import BATCH, ENGINE_SECONDS, RATE, ROW_SECONDS, WINDOW, rate_between
from benchmarks.table import OTHERS, Table

#: How far the model may be from what was measured.
BOUND: Final = 0.15
#: Messages a second of the table latency, and seconds to simulate.
_IDLE_RATE, _IDLE_SECONDS = 6.7, 30.0
#: The row by which `Costs.ending` is found: its window is always full.
ENDING_ROW: Final = "edges 1"
_SLOW: Final = "slow"


@dataclass(frozen=True)
class Comparison:
    """One figure, measured and computed."""

    what: str
    unit: str
    measured: float
    model: float
    #: Processors that others had while it was measured.
    others: float
    #: Whether a cost was chosen so that the model meets this figure: it shows nothing then.
    fitted: bool = False

    @property
    def deviation(self) -> float:
        """How far the model is from the measured figure, as a share of it."""
        return self.model / self.measured - 1

    @property
    def within(self) -> bool:
        """Whether that is near enough."""
        return abs(self.deviation) <= BOUND


def compare(costs: Costs, measured: dict[str, Table], cores: int | None = None) -> Iterator[Comparison]:
    """Yield the figures of the tables that are there; `cores` are those of the machine."""
    all_cores = cores or os.cpu_count() or 1
    if "backlog" in measured:
        yield from _backlogs(costs, measured["backlog"], all_cores)
    if "scaling" in measured:
        yield from _scalings(costs, measured["scaling"], all_cores)
    if "latency" in measured:
        table = measured["latency"]
        shape = Shape(cores=all_cores, one_machine=True)
        found = traffic(costs, shape, _IDLE_RATE, _IDLE_SECONDS).latency(50)
        yield Comparison("latency, idle", "ms", figure(table, LATENCY_ROW, MEDIAN), found, 0.0, fitted=True)


def _backlogs(costs: Costs, table: Table, cores: int) -> Iterator[Comparison]:
    for engine in costs.engines:
        if engine in table.rows:
            others = table.median(engine, OTHERS) or 0.0
            shape = Shape(engine=engine, cores=_left(cores, others), scan_processes=cores, one_machine=True)
            found = backlog(costs, shape, count(table)).rate
            yield Comparison(f"backlog, {engine}", RATE, figure(table, engine, RATE), found, others)


def _scalings(costs: Costs, table: Table, cores: int) -> Iterator[Comparison]:
    for row in table.rows:
        if re.fullmatch(r"(workers|edges) \d+", row):
            others = table.median(row, OTHERS) or 0.0
            model = scaling(costs, row, _left(cores, others))
            fitted = row == ENDING_ROW
            yield Comparison(f"scaling, {row}", RATE, figure(table, row, RATE), model, others, fitted=fitted)


def scaling(costs: Costs, row: str, cores: float) -> float:
    """Return the messages a second of a row of the table scaling, on so many processors."""
    kind, number = row.split()
    many = kind == "edges"
    edges = int(number) if many else 1
    workers = edges * WINDOW if many else int(number)
    shape = Shape(
        engine=_SLOW,
        edges=edges,
        scan_processes=workers,
        cores=cores,
        one_machine=True,
        batch=1 if many else BATCH,
        window=WINDOW if many else Shape().window,
    )
    slow = replace(costs, engines={_SLOW: Engine(wait=1000 * ENGINE_SECONDS, alone=True)})
    messages = edges * max(2, round(ROW_SECONDS * workers / edges / ENGINE_SECONDS))
    return rate_between(sorted(delivered for _, delivered in backlog(slow, shape, messages).times))


def with_ending(costs: Costs, table: Table, cores: int | None = None) -> Costs:
    """Return the costs with the time after the relay's answer that explains the row of one edge."""
    measured = table.median(ENDING_ROW, RATE)
    if measured is None:
        return costs
    there = _left(cores or os.cpu_count() or 1, table.median(ENDING_ROW, OTHERS) or 0.0)
    model = scaling(costs, ENDING_ROW, there)
    return replace(costs, ending=max(0.0, 1000 * WINDOW * (1 / measured - 1 / model)))


def _left(cores: int, others: float) -> float:
    """Return the processors that were there for what was measured."""
    return max(0.1, cores - others)


def render(comparisons: list[Comparison]) -> str:
    """Return the comparisons as text, a line each."""
    lines = [
        f"{'within' if each.within else 'BEYOND'}  {each.what:24} measured {each.measured:8.1f} {each.unit:6}"
        f" model {each.model:8.1f}  {each.deviation:+.1%}  "
        f"(others had {each.others:.2f} cores{', fitted' if each.fitted else ''})"
        for each in comparisons
    ]
    return "\n".join([*lines, summary(comparisons)])


def summary(comparisons: list[Comparison]) -> str:
    """Return how many figures are near enough, as a sentence."""
    free = [each for each in comparisons if not each.fitted]
    return (
        f"{sum(each.within for each in free)} of {len(free)} figures that no cost was fitted to are within "
        f"{BOUND:.0%}."
    )
