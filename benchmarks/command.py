"""The command line: what is measured, how often, and where the results go."""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from benchmarks import backlog, edge, latency, memory, scaling, waiting
from benchmarks.driver.orders import Mail
from benchmarks.picture import NoPictureError, draw
from benchmarks.plan import COUNT, Plan
from benchmarks.table import Table, render
from mailmill_local import corpus

#: The measurements by name, in the order of the goals.
MEASURES: Final[dict[str, Callable[[Plan], Table]]] = {
    "edge": edge.measure,
    "backlog": backlog.measure,
    "latency": latency.measure,
    "scaling": scaling.measure,
    "memory": memory.measure,
    "waiting": waiting.measure,
}
#: What --only may name.
PARTS: Final = {*edge.PARTS, *backlog.PARTS, *scaling.PARTS}
_CHECKOUT: Final = Path(__file__).parents[1]
_QUICK_COUNT: Final = 100


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    made = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    made.add_argument("tables", nargs="*", metavar="TABLE", help=f"{', '.join(MEASURES)}; none: all")
    made.add_argument("--runs", type=int, default=3, help="how often each row is measured (3)")
    made.add_argument("--count", type=int, help="messages of a row (2020; with --quick 100)")
    made.add_argument("--quick", action="store_true", help="one run with few messages: does it work at all?")
    made.add_argument("--long", action="store_true", help="100,000 messages where a bounded number is usual")
    made.add_argument("--maildir", action="store_true", help="backlog: the relay delivers into its Maildir")
    made.add_argument(
        "--only",
        action="append",
        default=[],
        help=f"only this of {', '.join(sorted(PARTS))}; may be repeated",
    )
    made.add_argument("--synthetic", type=int, metavar="BYTES", help="no corpus: sizes around this median")
    made.add_argument("--results", type=Path, help="where NAME.json and NAME.svg go; otherwise only printed")
    return made


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure; the exit status is 1 when a goal is not reached."""
    options = parser().parse_args(arguments)
    unknown = {*(set(options.tables) - MEASURES.keys()), *(set(options.only) - PARTS)}
    if unknown:
        print(f"benchmarks: there is no {', '.join(sorted(unknown))}", file=sys.stderr)
        return 2
    if os.geteuid() != 0:
        print("benchmarks: Postfix is started by root, so this needs root", file=sys.stderr)
        return 2
    # unbuffered, so that a log shows how far it is
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    with tempfile.TemporaryDirectory(prefix="mmb-", dir="/tmp") as scratch:
        directory = Path(scratch)
        directory.chmod(0o711)
        plan = Plan(
            directory,
            _mail(options),
            runs=1 if options.quick else options.runs,
            count=options.count or (_QUICK_COUNT if options.quick else COUNT),
            quick=options.quick,
            long=options.long,
            maildir=options.maildir,
            only=tuple(options.only),
        )
        tables = [
            _measure(name, plan, options.results) for name in MEASURES if name in (options.tables or MEASURES)
        ]
    return 0 if all(goal.reached for table in tables for goal in table.goals) else 1


def _measure(name: str, plan: Plan, results: Path | None) -> Table:
    table = MEASURES[name](plan)
    print(f"\n{render(table)}\n")
    if results is not None:
        table.save(results)
        try:
            draw(table, results)
        except NoPictureError as error:
            print(error)
    return table


def _mail(options: argparse.Namespace) -> Mail:
    if options.synthetic:
        return Mail(median=options.synthetic)
    cache = Path(os.environ.get("CORPUS_DIRECTORY") or _CHECKOUT / "var" / "corpus")
    return Mail(str(corpus.fetch(cache)))
