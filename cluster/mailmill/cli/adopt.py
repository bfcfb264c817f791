"""`mailmill adopt`: take over the spool of an edge that is gone."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import click
import redis

from mailmill.adoption import Adopted, Adoption, Fate, queues_below
from mailmill.cli.context import Cli, pass_cli
from mailmill.cli.output import printable
from mailmill.cli.queues import spool_errors
from mailmill.connection import connect
from mailmill.errors import SpoolError
from mailmill.ledger import Ledger
from mailmill.naming import edge_name
from mailmill.process import Identity, prepare_queue_directories
from mailmill.settings.options.cluster import REDIS_URL
from mailmill.settings.options.system import INCOMING_QUEUE_DIR, OUTGOING_QUEUE_DIR
from mailmill.spool import Spool


@click.command()
@click.argument("directory", type=click.Path(exists=True, file_okay=False, path_type=Path))
@pass_cli
def adopt(cli: Cli, directory: Path) -> None:
    """Take over the mail of another edge from its disk.

    DIRECTORY is a queue directory of that edge (milterin or milterout), or the directory that holds both. All
    its messages move into the same state of this edge's queues and keep their ids; damaged ones go to
    corrupt. It is refused while the other edge's queue manager works there. This edge's queue manager takes
    them up within a minute, and what the relay has confirmed already is not sent again. An adoption that was
    interrupted goes on when it is started again.

    Exit status: 0 all was taken over, 1 something stays where it was.
    """
    prepare_queue_directories(cli.settings)
    fates: Counter[Fate] = Counter()

    def told(adopted: Adopted) -> None:
        fates[adopted.fate] += 1
        if adopted.reason:
            click.echo(f"{printable(str(adopted.path))}: {adopted.fate}: {printable(adopted.reason)}")

    def restore(marks: list[tuple[str, tuple[str, ...]]]) -> None:
        try:
            with connect(cli.settings[REDIS_URL]) as client:
                Ledger(client, edge_name(cli.settings)).restore(marks)
        except (redis.RedisError, ValueError) as exc:
            raise SpoolError(f"the cluster cannot be told what was confirmed of it: {exc}") from exc

    with spool_errors():
        Adoption(
            Spool(cli.settings[INCOMING_QUEUE_DIR]),
            Spool(cli.settings[OUTGOING_QUEUE_DIR]),
            Identity.wanted(cli.settings),
            restore,
            told,
        ).take(queues_below(directory))
    click.echo(", ".join(f"{fates[fate]} {fate}" for fate in Fate))
    if fates[Fate.LEFT]:
        raise SystemExit(1)
