"""The command `mailmill milter`."""

from __future__ import annotations

import click

from mailmill.cli.context import Cli, pass_cli
from mailmill_milter.server import run


@click.command("milter")
@pass_cli
def milter(cli: Cli) -> None:
    """Take mail over from Postfix: the milter of an edge node.

    Runs in the foreground. Postfix names it last in smtpd_milters, with milter_default_action = tempfail.
    A new configuration counts from the next message on. SIGTERM lets the messages in hand end first.
    """
    settings = cli.begin()
    run(settings)
