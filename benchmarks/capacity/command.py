"""The command line: plan a cluster, compare the model with measured runs, take over costs, write the page."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from benchmarks.capacity import costs as known
from benchmarks.capacity import page
from benchmarks.capacity.costs import Costs
from benchmarks.capacity.drawing import draw
from benchmarks.capacity.fit import MissingError, fit, tables
from benchmarks.capacity.limits import limits
from benchmarks.capacity.shape import CORES
from benchmarks.capacity.sizing import LOAD, plan
from benchmarks.capacity.traffic import traffic
from benchmarks.capacity.validation import compare, render, with_ending
from benchmarks.picture import NoPictureError

_CHECKOUT: Final = Path(__file__).parents[2]
RESULTS: Final = _CHECKOUT / "benchmarks" / "results"
PAGE: Final = _CHECKOUT / "docs" / "capacity.md"
PICTURE: Final = _CHECKOUT / "docs" / "capacity.svg"


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    made = argparse.ArgumentParser(prog="python -m benchmarks.capacity", description=__doc__)
    made.add_argument("--costs", type=Path, default=known.COSTS, help="another file than costs.json")
    made.add_argument("--results", type=Path, default=RESULTS, help="where the measured tables are")
    made.add_argument("--cores", type=int, default=CORES, help=f"processors of a machine ({CORES})")
    made.add_argument("--load", type=float, default=LOAD, help=f"how busy a part may be ({LOAD})")
    made.add_argument("--machine-cores", type=int, help="processors of the machine that was measured (this)")
    commands = made.add_subparsers(dest="command", required=True)
    planned = commands.add_parser("plan", help="print what a rate needs")
    planned.add_argument("--rate", type=float, required=True, help="messages a second")
    planned.add_argument("--engine", default="none")
    commands.add_parser("validate", help="print the model next to the measured tables")
    commands.add_parser("costs", help="write costs.json from the measured tables")
    commands.add_parser("report", help="write the tables and the picture of docs/capacity.md")
    return made


def main(arguments: Sequence[str] | None = None) -> int:
    """Do it; the exit status of `validate` is 1 when a figure is too far away."""
    options = parser().parse_args(arguments)
    try:
        if options.command == "costs":
            measured = tables(options.results)
            found = fit(measured, known.load(options.costs))
            if "scaling" in measured:
                found = with_ending(found, measured["scaling"], options.machine_cores)
            known.save(found, options.costs)
            print(f"{options.costs} is written")
            return 0
        costs = known.load(options.costs)
        if options.command == "plan":
            return _plan(costs, options)
        if options.command == "validate":
            return _validate(costs, options)
        return _report(costs, options)
    except (MissingError, NoPictureError, page.PageError) as error:
        print(f"capacity: {error}", file=sys.stderr)
        return 2


def _plan(costs: Costs, options: argparse.Namespace) -> int:
    if options.engine not in costs.engines:
        print(f"capacity: engines are {', '.join(costs.engines)}", file=sys.stderr)
        return 2
    made = plan(costs, options.rate, options.engine, options.cores, options.load)
    shape, result, groups = made.shape, made.result, made.groups
    moved = traffic(costs, made)
    print(f"{made.rate:,.0f} messages a second, engine {shape.engine}, machines with {options.cores} cores:")
    print(f"  edge groups        {groups:8,}  with a Redis and a recorder each")
    for what, number in (
        ("edges", shape.edges),
        ("scan machines", shape.scanners),
        ("deliver processes", shape.deliver),
        ("relays", shape.relays),
    ):
        print(f"  {what:18} {groups * number:8,}  ({number:,} in each group)")
    print(f"  Max Messages In Flight   {shape.window:,}")
    print(f"  latency            p50 {result.latency(50):,.0f} ms, p99 {result.latency(99):,.0f} ms")
    print(f"  messages of a scan task  {result.batch:.1f}")
    print(f"  keeps up to        {made.most:,.0f} messages a second; then stopped by: {made.bottleneck}")
    print(
        f"  network            {moved.edges:,.0f} Mbit/s of mail into the edges; "
        f"each Redis {moved.redis_in:,.0f} in and {moved.redis_out:,.0f} Mbit/s out; "
        f"all {moved.all_redis:,.0f} Mbit/s"
    )
    print(f"  disk of an edge    {moved.disk:.1f} MB/s, {moved.appends:,.0f} durable appends a second")
    print("busy:")
    for name, used in sorted(result.used.items(), key=lambda each: -each[1]):
        print(f"  {name:18} {used:6.0%}")
    print("one of each can take at most:")
    for limit in limits(costs, options.cores):
        print(f"  {limit.part:38} {limit.rate:8,.0f} msg/s  {limit.reason}")
    return 0


def _validate(costs: Costs, options: argparse.Namespace) -> int:
    comparisons = list(compare(costs, tables(options.results), options.machine_cores))
    if not comparisons:
        raise MissingError(f"no backlog, scaling or latency in {options.results}: make bench")
    print(render(comparisons))
    return 0 if all(each.within for each in comparisons) else 1


def _report(costs: Costs, options: argparse.Namespace) -> int:
    plans = [
        plan(costs, rate, engine, options.cores, options.load)
        for engine in costs.engines
        for rate in page.RATES
    ]
    text = PAGE.read_text()
    text = page.insert(text, "costs", page.costs_table(costs))
    text = page.insert(text, "clusters", f"{page.plans_table(plans)}\n\n{page.digest(costs)}")
    text = page.insert(text, "limits", page.limits_table(costs, options.cores))
    text = page.insert(text, "bytes", page.bytes_table(costs, plans[: len(page.RATES)]))
    comparisons = list(compare(costs, tables(options.results), options.machine_cores))
    if comparisons:
        text = page.insert(text, "validation", page.comparisons_table(comparisons))
    draw(plans, PICTURE)
    PAGE.write_text(text)
    print(f"{PAGE} and {PICTURE} are written")
    return 0
