"""The command `mailmill queue-manager`."""

from __future__ import annotations

import click

from mailmill.cli.context import Cli, pass_cli
from mailmill.logs import setup_logging
from mailmill.process import drop_privileges, prepare_queue_directories
from mailmill.settings.options.system import DEBUG
from mailmill_milter.queue_manager.loop import QueueManagerProcess


@click.command("queue-manager")
@pass_cli
def queue_manager(cli: Cli) -> None:
    """Send accepted mail to the workers and see every message to its end.

    One of these runs on each edge, next to the milter, with the same queue directories. It can be stopped and
    started at any time: it takes up what it finds.
    """
    cli.require_enabled()
    settings = cli.settings
    setup_logging(debug=settings[DEBUG])
    prepare_queue_directories(settings)
    drop_privileges(settings)
    QueueManagerProcess(settings).run()
