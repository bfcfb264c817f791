"""The command `mailmill flower`: Celery's dashboard, with the columns that say something here."""

from __future__ import annotations

from typing import Final

import click

from mailmill.app import app
from mailmill.cli.context import Cli, pass_cli

#: Columns of the table of tasks. The arguments say how many messages of which edge; there is never a result.
_COLUMNS: Final = "name,args,state,received,started,runtime,worker,uuid"


@click.command("flower")
@click.option("--address", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option("--port", default=5555, show_default=True, help="The TCP port to listen on.")
@pass_cli
def flower(cli: Cli, address: str, port: int) -> None:
    """Show workers and tasks in a browser (Flower).

    The page has no password of its own: keep it on loopback or behind a proxy that asks for one.
    """
    cli.begin(mail=False)
    options = [f"--address={address}", f"--port={port}", f"--tasks-columns={_COLUMNS}", "--logging=warning"]
    app.start(["flower", *options])
