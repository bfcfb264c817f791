"""`mailmill drain`: let this edge take no new mail, and see its queues become empty."""

from __future__ import annotations

import time
from typing import Final

import click

from mailmill.cli.context import Cli, pass_cli
from mailmill.cli.queues import Queue, queues, spool_errors
from mailmill.drainflag import begin_drain, end_drain
from mailmill.settings.options.system import INCOMING_QUEUE_DIR
from mailmill.spool import State
from mailmill.spoolview import totals

#: Seconds between looks. Longer than the milter takes to see the flag, so that two looks in a row which find
#: nothing prove that nothing comes any more.
INTERVAL: Final = 2.0
#: What a message may still be in before the queues are empty: `corrupt` waits for a person.
_BUSY: Final = (State.INCOMING, State.ACTIVE, State.DEFERRED)


@click.command(short_help="Take no new mail, and let both queues become empty.")
@click.option("--wait", is_flag=True, help="Return when both queues are empty.")
@click.option("--off", is_flag=True, help="Take mail again.")
@pass_cli
def drain(cli: Cli, *, wait: bool, off: bool) -> None:
    """Take no new mail on this edge, and let both queues become empty.

    Senders are told to try again (451 4.3.2); with several edges they find another one. The queue manager
    goes on; deferred mail waits for its next attempt as always (mailmill adopt on another edge takes it at
    once). This stays so across restarts, until mailmill drain --off.
    """
    if wait and off:
        raise click.UsageError("--wait and --off exclude each other")
    root = cli.settings[INCOMING_QUEUE_DIR]
    both = queues(cli.settings)
    with spool_errors():
        if off:
            end_drain(root)
            click.echo("This edge takes mail again.")
            return
        begin_drain(root)
        click.echo("This edge takes no new mail.")
        said = _progress(both)
        click.echo(said)
        quiet = 0
        while wait and quiet < 2:  # noqa: PLR2004 - see INTERVAL
            time.sleep(INTERVAL)
            now = _progress(both)
            quiet = quiet + 1 if now == _EMPTY else 0
            if now != said:
                click.echo(now)
            said = now


_EMPTY: Final = "The queues are empty."


def _progress(both: tuple[Queue, Queue]) -> str:
    counted = [(queue.name, state, totals(queue.spool, state).messages) for queue in both for state in _BUSY]
    waiting = [f"{name} {state}: {count}" for name, state, count in counted if count]
    return ", ".join(waiting) if waiting else _EMPTY
