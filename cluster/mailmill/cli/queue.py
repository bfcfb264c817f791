"""`mailmill queue`: what waits on this edge, and what of it is in Redis."""

from __future__ import annotations

import time
from typing import Final

import click
import redis
from msgspec import Struct

from mailmill.cli.context import Cli, pass_cli
from mailmill.cli.output import age, echo_json, echo_table, printable
from mailmill.cli.queue_cat import cat
from mailmill.cli.queue_show import show
from mailmill.cli.queues import queues, spool_errors
from mailmill.connection import connect
from mailmill.errors import ConfigError
from mailmill.naming import edge_name
from mailmill.redisview import RedisTotals, redis_totals
from mailmill.settings.options.cluster import REDIS_URL
from mailmill.spool import State
from mailmill.spoolview import Listed, Listing, Totals, oldest, totals

#: Messages of each state that `list` shows unless it is told otherwise.
DEFAULT_LIMIT: Final = 100


class QueueTotals(Struct, frozen=True):
    """What `counts` says of one queue."""

    queue: str
    directory: str
    states: tuple[Totals, ...]


class Counts(Struct, frozen=True):
    """What `counts` says."""

    edge: str
    queues: tuple[QueueTotals, ...]
    #: None when Redis does not answer.
    redis: RedisTotals | None
    #: Why it does not; empty when it does.
    redis_failure: str = ""


class QueueListing(Struct, frozen=True):
    """What `list` says of one queue."""

    queue: str
    directory: str
    states: tuple[Listing, ...]


@click.group()
def queue() -> None:
    """Show the mail that waits on this edge.

    The queues are milterin (Incoming Queue Dir: to be scanned) and milterout (Outgoing Queue Dir: scanned, to
    be delivered). The states are Postfix's: incoming (being written), active, deferred, corrupt.
    """


queue.add_command(show)
queue.add_command(cat)


@queue.command("list")
@click.option(
    "--limit",
    type=click.IntRange(min=1),
    default=DEFAULT_LIMIT,
    show_default=True,
    help="The most messages of each state, the oldest first.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON; times are seconds since the epoch.")
@pass_cli
def list_(cli: Cli, limit: int, *, as_json: bool) -> None:
    """List the messages of each state, the oldest first.

    A message leaves the queue while this runs as at any other time; it is then not shown.
    """
    with spool_errors():
        listings = [
            QueueListing(
                queue=each.name,
                directory=str(each.spool.root),
                states=tuple(oldest(each.spool, state, limit) for state in State),
            )
            for each in queues(cli.settings)
        ]
    if as_json:
        echo_json(listings)
        return
    filled = [(each.queue, listing) for each in listings for listing in each.states if listing.total]
    for number, (name, listing) in enumerate(filled):
        if number:
            click.echo()
        _print_listing(name, listing)
    if not filled:
        click.echo("The queues are empty.")


@queue.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON; times are seconds since the epoch.")
@pass_cli
def counts(cli: Cli, *, as_json: bool) -> None:
    """Count messages and bytes of each state, and the work in Redis."""
    with spool_errors():
        counted = tuple(
            QueueTotals(
                queue=each.name,
                directory=str(each.spool.root),
                states=tuple(totals(each.spool, state) for state in State),
            )
            for each in queues(cli.settings)
        )
    edge = edge_name(cli.settings)
    try:
        client = connect(cli.settings[REDIS_URL])
    except ValueError as exc:
        raise ConfigError([str(exc)]) from exc
    try:
        answer = Counts(edge, counted, redis_totals(client, edge))
    except redis.RedisError as exc:
        answer = Counts(edge, counted, redis=None, redis_failure=str(exc))
    finally:
        client.close()
    if as_json:
        echo_json(answer)
    else:
        _print_counts(answer)


def _print_listing(name: str, listing: Listing) -> None:
    click.echo(f"{name}, {listing.state}: {_counted(listing.total, 'message')}")
    if not listing.messages:
        return
    head = ("Id", "Size", "Age", "Next attempt", "Recipients", "Sender")
    echo_table([head, *map(_row, listing.messages)], right=frozenset({1, 2, 4}))
    if listing.total > len(listing.messages):
        click.echo(f"... the oldest {len(listing.messages)} of {listing.total} (--limit shows more)")


def _row(message: Listed) -> tuple[str, ...]:
    now = time.time()
    waits = message.next_attempt
    return (
        printable(message.name),
        str(message.size),
        age(max(now - message.arrival, 0)),
        "-" if waits is None else f"in {age(waits - now)}" if waits > now else "due",
        "-" if message.trouble else str(len(message.recipients)),
        printable(f"({message.trouble})" if message.trouble else message.sender or "<>"),
    )


def _print_counts(answer: Counts) -> None:
    now = time.time()
    rows = [("Queue", "State", "Messages", "Bytes", "Oldest")]
    rows += [
        (
            each.queue,
            state.state.value,
            str(state.messages),
            str(state.bytes),
            "-" if state.oldest is None else age(max(now - state.oldest, 0)),
        )
        for each in answer.queues
        for state in each.states
    ]
    echo_table(rows, right=frozenset({2, 3, 4}))
    click.echo()
    if answer.redis is None:
        click.echo(f"Redis does not answer: {printable(answer.redis_failure)}")
        return
    lines = [
        ("scan tasks that wait", answer.redis.scan),
        ("deliver tasks that wait", answer.redis.deliver),
        ("tasks that workers hold", answer.redis.unacked),
        (f"outcomes for {answer.edge}", answer.redis.outcomes),
        ("entries not recorded", answer.redis.events),
    ]
    echo_table([("Redis", ""), *((what, str(count)) for what, count in lines)], right=frozenset({1}))


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
