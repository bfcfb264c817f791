"""The command `mailmill queue-manager`."""

from __future__ import annotations

from contextlib import ExitStack
from typing import Final

import click

from mailmill.background import yield_to_others
from mailmill.cli.context import Cli, pass_cli
from mailmill.cli.queues import spool_errors
from mailmill.process import drop_privileges, prepare_queue_directories
from mailmill.queuelock import QueueLock
from mailmill.settings.options.system import INCOMING_QUEUE_DIR, OUTGOING_QUEUE_DIR
from mailmill_milter.queue_manager.loop import QueueManagerProcess

#: Seconds to wait for the queue manager before this one to end, when one is replaced by another.
LOCK_PATIENCE: Final = 10.0


@click.command("queue-manager", short_help="Send accepted mail to the workers.")
@pass_cli
def queue_manager(cli: Cli) -> None:
    """Send accepted mail to the workers and see every message to its end.

    One of these runs on each edge, next to the milter, with the same queue directories. It can be stopped and
    started at any time: it takes up what it finds. A second one for the same directories is refused.
    """
    settings = cli.begin()
    prepare_queue_directories(settings)
    drop_privileges(settings)
    yield_to_others()
    with ExitStack() as locks:
        with spool_errors():
            for option in (INCOMING_QUEUE_DIR, OUTGOING_QUEUE_DIR):
                locks.enter_context(QueueLock(settings[option], LOCK_PATIENCE))
        QueueManagerProcess(settings).run()
