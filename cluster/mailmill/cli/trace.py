"""`mailmill trace`: what happened to a message."""

from __future__ import annotations

import time
from typing import Final

import click

from mailmill.cli.context import Cli, pass_cli
from mailmill.cli.output import age, clock_time, echo_json, echo_table, printable
from mailmill.connection import connect
from mailmill.errors import ConfigError, MessageLogError
from mailmill.messagelog.history import MOST_MESSAGES, History, Trace, look_up
from mailmill.messagelog.store import MessageLog
from mailmill.settings.options.cluster import MESSAGE_LOG_URL, REDIS_URL

EXIT_UNKNOWN: Final = 1


@click.command()
@click.argument("wanted", metavar="ID")
@click.option("--json", "as_json", is_flag=True, help="Print JSON; times are seconds since the epoch.")
@pass_cli
@click.pass_context
def trace(ctx: click.Context, cli: Cli, wanted: str, *, as_json: bool) -> None:
    """Show what happened to a message, in order, with times.

    ID is a Mailmill id, the queue id that the sender was told, or a Message-ID, with or without its angle
    brackets. A queue id can come back: every message that had it is shown. Events that the recorder has not
    stored yet are read from Redis.

    Exit status: 0 a message was found, 1 none was.
    """
    answer = _answer(cli, wanted)
    if as_json:
        echo_json(answer)
    else:
        _print(answer, wanted)
    for failure in answer.failures:
        click.echo(f"mailmill: {printable(failure)}", err=True)
    if not answer.histories:
        ctx.exit(EXIT_UNKNOWN)


def _answer(cli: Cli, wanted: str) -> Trace:
    try:
        client = connect(cli.settings[REDIS_URL])
        log = MessageLog.open(cli.settings[MESSAGE_LOG_URL])
    except (ValueError, MessageLogError) as exc:
        raise ConfigError([str(exc)]) from exc
    try:
        return look_up(log, client, wanted)
    finally:
        log.close()
        client.close()


def _print(answer: Trace, wanted: str) -> None:
    for history in answer.histories:
        _print_history(history)
        click.echo()
    if len(answer.histories) == MOST_MESSAGES:
        click.echo(f"These are the newest {MOST_MESSAGES}; there may be more.")
    if not answer.histories:
        click.echo(f"{printable(wanted)}: not in the message log (mailmill queue show may know it).")
    if answer.not_recorded:
        click.echo(f"The recorder is behind: {answer.not_recorded} events wait in Redis.")


def _print_history(history: History) -> None:
    message = history.message
    click.echo(message.mail_id)
    if message.message_id:
        click.echo(f"  Message-ID: <{printable(message.message_id)}>")
    if history.events:
        rows = [
            (
                f"  {clock_time(event.time)}",
                f"+{age(max(event.time - message.arrival, 0))}",
                event.step.value,
                printable(event.node),
                printable(event.detail),
            )
            for event in history.events
        ]
        echo_table(rows, right=frozenset({1}))
    if history.finished is None:
        click.echo(f"  Not finished; it arrived {age(max(time.time() - message.arrival, 0))} ago.")
    else:
        click.echo(f"  Finished {age(max(history.finished - message.arrival, 0))} after it arrived.")
