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
from benchmarks.capacity.simulation import Result, backlog, traffic
from benchmarks.latency import MEDIAN
from benchmarks.scaling import ENGINE_SECONDS, OPTIONS, RATE
from benchmarks.table import OTHERS, Table

#: How far the model may be from what was measured.
BOUND: Final = 0.15
#: Messages a second of the table latency, and seconds to simulate.
_IDLE_RATE, _IDLE_SECONDS = 6.7, 30.0
#: As the table scaling has it: messages that an edge has under way in the rows of edges, seconds of a row.
EDGE_WINDOW, _ROW_SECONDS = 4, 8.0
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
            found = backlog(costs, shape, count(table, engine)).rate
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
    edges, window = (int(number), EDGE_WINDOW) if kind == "edges" else (1, Shape().window)
    workers = int(number) * (EDGE_WINDOW if kind == "edges" else 1)
    shape = Shape(
        engine=_SLOW,
        edges=edges,
        scan_processes=workers,
        cores=cores,
        one_machine=True,
        batch=int(OPTIONS["Max Unscanned Messages Per Scan"]),
        window=window,
    )
    slow = replace(costs, engines={_SLOW: Engine(wait=1000 * ENGINE_SECONDS)})
    messages = edges * max(2, round(_ROW_SECONDS * workers / edges / ENGINE_SECONDS))
    return _between(backlog(slow, shape, messages))


def with_ending(costs: Costs, table: Table, cores: int | None = None) -> Costs:
    """Return the costs with the time after the relay's answer that explains the row of one edge."""
    measured = table.median(ENDING_ROW, RATE)
    if measured is None:
        return costs
    there = _left(cores or os.cpu_count() or 1, table.median(ENDING_ROW, OTHERS) or 0.0)
    model = scaling(costs, ENDING_ROW, there)
    return replace(costs, ending=max(0.0, 1000 * EDGE_WINDOW * (1 / measured - 1 / model)))


def _left(cores: int, others: float) -> float:
    """Return the processors that were there for what was measured."""
    return max(0.1, cores - others)


def _between(result: Result) -> float:
    """Return messages a second from the first delivery to the last."""
    ends = sorted(delivered for _, delivered in result.times)
    return (len(ends) - 1) / (ends[-1] - ends[0])


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
