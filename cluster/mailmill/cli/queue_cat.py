"""`mailmill queue cat`: one message of this edge, byte for byte."""

from __future__ import annotations

import click

from mailmill.cli.context import Cli, pass_cli
from mailmill.cli.output import printable
from mailmill.cli.queue_show import EXIT_UNKNOWN
from mailmill.cli.queues import queues, spool_errors
from mailmill.spool import State
from mailmill.spoolview import matching


@click.command()
@click.argument("wanted", metavar="ID")
@pass_cli
@click.pass_context
def cat(ctx: click.Context, cli: Cli, wanted: str) -> None:
    """Write a message to standard output.

    ID is a Mailmill id, the id of a delivery (in milterout) or a queue id; of several messages the oldest is
    written, one in milterout as the relay would get it.

    Exit status: 0 it was written, 1 it is not here or is damaged.
    """
    with spool_errors():
        for queue in queues(cli.settings):
            for name, state in matching(queue.spool, wanted):
                if state is not State.INCOMING:
                    click.echo(queue.spool.read(name, state).content, nl=False)
                    return
    click.echo(f"{printable(wanted)}: not in the queues of this edge (mailmill trace may know it).", err=True)
    ctx.exit(EXIT_UNKNOWN)
