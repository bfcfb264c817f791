"""`python -m benchmarks.traffic PORT`: the load driver alone, against any SMTP server on loopback."""

from __future__ import annotations

import argparse
import statistics
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks.driver.orders import Mail, Orders, Outcome
from benchmarks.load import LoadError, send
from benchmarks.spread import percentile
from mailmill_local import corpus


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    usual = Orders(0, 1000)
    made = argparse.ArgumentParser(prog="python -m benchmarks.traffic", description=__doc__)
    made.add_argument("port", type=int)
    made.add_argument("--count", type=int, default=usual.count, help="messages (%(default)s)")
    made.add_argument("--connections", type=int, default=usual.connections, help="at a time (%(default)s)")
    made.add_argument(
        "--per-connection", type=int, default=usual.per_connection, help="messages on each (%(default)s)"
    )
    made.add_argument("--rate", type=float, default=0, help="messages a second; 0: as many as it takes")
    made.add_argument("--ramp", type=float, default=0, help="seconds over which the connections are opened")
    made.add_argument("--corpus", type=Path, help="below which the corpus is, or is fetched to")
    made.add_argument(
        "--median", type=int, default=usual.mail.median, help="bytes, when synthetic (%(default)s)"
    )
    made.add_argument("--sigma", type=float, default=usual.mail.sigma, help="of log sizes (%(default)s)")
    made.add_argument("--seed", type=int, default=usual.mail.seed, help="of the choice (%(default)s)")
    return made


def orders(arguments: argparse.Namespace) -> Orders:
    """Return what the arguments ask for.

    Raises:
        CorpusError: the corpus cannot be had.
    """
    home = str(corpus.fetch(arguments.corpus)) if arguments.corpus else ""
    return Orders(
        arguments.port,
        arguments.count,
        Mail(home, arguments.seed, arguments.median, arguments.sigma),
        connections=arguments.connections,
        per_connection=arguments.per_connection,
        rate=arguments.rate,
        ramp=arguments.ramp,
    )


def summary(outcome: Outcome) -> str:
    """Return a line about what became of it."""
    milliseconds = [1000 * seconds for seconds in outcome.latencies]
    return (
        f"{outcome.accepted} accepted in {outcome.seconds:.1f} s: {outcome.rate:.1f} msg/s, "
        f"{outcome.bytes / outcome.seconds / 1e6:.2f} MB/s; median {statistics.median(milliseconds):.1f} ms, "
        f"p99 {percentile(milliseconds, 99):.1f} ms; driver: {outcome.cpu / outcome.seconds:.0%} of a core"
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Send; the exit status is 1 when a message was not accepted."""
    try:
        print(summary(send(orders(parser().parse_args(arguments)))))
    except (LoadError, corpus.CorpusError) as error:
        print(f"traffic: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
