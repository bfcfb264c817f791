"""The page `docs/capacity.md`: what is computed stands between two marks, the rest is written by hand."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Final

import msgspec

from benchmarks.capacity.costs import Costs
from benchmarks.capacity.limits import limits
from benchmarks.capacity.sizing import Plan
from benchmarks.capacity.traffic import traffic
from benchmarks.capacity.validation import Comparison, summary

#: Messages a second of the table.
RATES: Final = (1_000, 10_000, 100_000)
_HEAD: Final = (
    "| msg/s | engine | edge groups (a Redis each) | edges | scan machines | deliver processes | relays | "
    "in flight | p50 | p99 | keeps up to msg/s | then stopped by |\n"
    "|--:|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|---|"
)


class PageError(Exception):
    """The page lacks the marks between which something is to be written."""


def mark(name: str) -> tuple[str, str]:
    """Return the lines before and after a computed part."""
    return f"<!-- {name}: written by benchmarks.capacity -->", f"<!-- end of {name} -->"


def insert(page: str, name: str, text: str) -> str:
    """Return the page with another text between the marks of that name.

    Raises:
        PageError: they are not there.
    """
    begin, end = mark(name)
    before, found, rest = page.partition(begin)
    _, also, after = rest.partition(end)
    if not found or not also:
        raise PageError(f"no {begin} and {end} in the page")
    return f"{before}{begin}\n\n{text}\n\n{end}{after}"


def between(page: str, name: str) -> str:
    """Return the text between the marks of that name."""
    begin, end = mark(name)
    return page.partition(begin)[2].partition(end)[0].strip()


def plans_table(plans: Sequence[Plan]) -> str:
    """Return the table of clusters."""
    return "\n".join([_HEAD, *map(_plan_row, plans)])


def digest(costs: Costs) -> str:
    """Return what tells costs from others."""
    return f"Computed from costs {hashlib.sha256(msgspec.json.encode(costs)).hexdigest()[:12]}."


def _plan_row(plan: Plan) -> str:
    shape, result, groups = plan.shape, plan.result, plan.groups
    cells = [
        f"{plan.rate:,.0f}",
        shape.engine,
        f"{groups:,}",
        f"{groups * shape.edges:,}",
        f"{groups * shape.scanners:,}",
        f"{groups * shape.deliver:,}",
        f"{groups * shape.relays:,}",
        f"{shape.window:,}",
        f"{result.latency(50):,.0f} ms",
        f"{result.latency(99):,.0f} ms",
        f"{plan.most:,.0f}",
        plan.bottleneck,
    ]
    return f"| {' | '.join(cells)} |"


def bytes_table(costs: Costs, plans: Sequence[Plan]) -> str:
    """Return the table of bytes, for one plan of each rate."""
    lines = [
        "| msg/s | into edges | into one Redis | out of one Redis | through all Redis | disk of an edge |",
        "|--:|--:|--:|--:|--:|--:|",
    ]
    for plan in plans:
        moved = traffic(costs, plan)
        lines.append(
            f"| {plan.rate:,.0f} | {moved.edges:,.0f} Mbit/s | {moved.redis_in:,.0f} Mbit/s | "
            f"{moved.redis_out:,.0f} Mbit/s | {moved.all_redis:,.0f} Mbit/s | {moved.disk:,.1f} MB/s, "
            f"{moved.appends:,.0f} appends/s |"
        )
    return "\n".join(lines)


def limits_table(costs: Costs, cores: int) -> str:
    """Return the table of what one of each part can do."""
    lines = ["| One | can take msg/s | because of |", "|---|--:|---|"]
    lines += [f"| {each.part} | {each.rate:,.0f} | {each.reason} |" for each in limits(costs, cores)]
    return "\n".join(lines)


def costs_table(costs: Costs) -> str:
    """Return the table of what the model is fed with."""
    lines = ["| Part | ms a message | ms a task | ms at the start |", "|---|--:|--:|--:|"]
    stages = ("postfix", "milter", "queue_manager", "scan", "deliver", "relay", "redis", "recorder")
    for stage in stages:
        cost = getattr(costs, stage)
        lines.append(
            f"| {stage.replace('_', ' ')} | {cost.message:.2f} | {cost.task:.2f} | {cost.start:.0f} |"
        )
    for name, engine in costs.engines.items():
        if name != "none":
            lines.append(f"| {name} (and in scan) | {engine.processor:.2f} (+ {engine.scan:.2f}) | | |")
    facts = (
        f"Redis: {costs.redis_commands:.0f} commands, {costs.redis_received / 1000:.1f} kB in and "
        f"{costs.redis_sent / 1000:.1f} kB out for a message. A hand-over takes {costs.hand_over:.1f} ms, an "
        f"outcome {costs.ending:.0f} ms until the edge sends the next message, without processor; "
        f"{costs.afterwards:.0%} of what a task costs comes after its messages have gone on. A disk makes "
        f"{costs.durable_files:,.0f} files a second durable, or {costs.durable_appends:,.0f} appended "
        f"messages. From: {costs.source}."
    )
    return "\n".join([*lines, "", facts])


def comparisons_table(comparisons: list[Comparison]) -> str:
    """Return the table of the model next to what was measured, and how many figures are near enough."""
    lines = ["| Figure | measured | model | deviation | cores of others |", "|---|--:|--:|--:|--:|"]
    lines += [
        f"| {each.what}{' (fitted)' if each.fitted else ''} | {each.measured:.1f} {each.unit} | "
        f"{each.model:.1f} | {each.deviation:+.0%} | "
        f"{each.others:.2f} |"
        for each in comparisons
    ]
    return "\n".join([*lines, "", summary(comparisons)])
