"""The command `mailmill worker`: a Celery worker for one queue, with the options that it needs."""

from __future__ import annotations

import logging
import os
import sys

import click
from celery.signals import worker_process_init, worker_ready

from mailmill.app import app
from mailmill.background import yield_to_others
from mailmill.cli.context import Cli, pass_cli
from mailmill.configuration import process
from mailmill.process import drop_privileges, prepare_directory
from mailmill.settings.options.cluster import REDIS_URL, SCAN_MEMORY_LIMIT
from mailmill.settings.options.delivery import DELIVERY_JOURNAL_DIR
from mailmill.tasks import DELIVER_QUEUE, SCAN_QUEUE
from mailmill_workers import runtime, taskevents
from mailmill_workers.deliver import relay, startup
from mailmill_workers.engines import build as engines
from mailmill_workers.heartbeat import Heartbeat
from mailmill_workers.scan.limits import limit_memory
from mailmill_workers.shutdown import bound_shutdown

log = logging.getLogger(__name__)

#: Memory of a pool process, in kB, after which it is replaced when its task is done.
MAX_MEMORY_PER_CHILD = 400_000
#: Access to `Delivery Journal Dir`: it says who wrote to whom.
JOURNAL_MODE = 0o700


@click.command("worker")
@click.argument("queue", type=click.Choice([SCAN_QUEUE, DELIVER_QUEUE]))
@click.option(
    "--concurrency",
    type=click.IntRange(1, 256),
    help="Pool processes. Otherwise as many as there are processors for scan, and one for deliver, which "
    "does many submissions at the same time in one process.",
)
@click.option("--name", help="The worker's name in Flower. Otherwise QUEUE@HOST.")
@pass_cli
def worker(cli: Cli, queue: str, concurrency: int | None, name: str | None) -> None:
    """Run a Celery worker for QUEUE: scan or deliver.

    Start as many as you like, on as many hosts as you like: each takes tasks from the same queues. SIGTERM
    lets running tasks finish for half a minute at most and hands back those that do not.
    """
    settings = cli.begin()
    configuration = process.live()
    configuration.approve = engines.check if queue == SCAN_QUEUE else relay.check
    configuration.approve(settings)
    worker_ready.connect(lambda **_: configuration.watch(), weak=False)
    worker_process_init.connect(lambda **_: runtime.settings(), weak=False)
    if queue == DELIVER_QUEUE:
        prepare_directory(settings[DELIVERY_JOURNAL_DIR], JOURNAL_MODE, settings, DELIVERY_JOURNAL_DIR)
        worker_process_init.connect(startup.begin, weak=False)
    if queue == SCAN_QUEUE:
        for warning in settings.without_rules:
            log.warning("%s", warning)
        memory = settings[SCAN_MEMORY_LIMIT]
        worker_process_init.connect(lambda **_: limit_memory(memory), weak=False)
        worker_ready.connect(lambda **_: Heartbeat(settings[REDIS_URL]).start(), weak=False)
    drop_privileges(settings)
    yield_to_others()
    bound_shutdown()
    app.conf.worker_consumer = taskevents.CONSUMER
    default = os.cpu_count() or 1 if queue == SCAN_QUEUE else 1
    arguments = [
        "--quiet",
        "worker",
        f"--queues={queue}",
        f"--hostname={name or f'{queue}@%h'}",
        f"--concurrency={concurrency or default}",
        "--pool=prefork",
        f"--max-memory-per-child={MAX_MEMORY_PER_CHILD}",
        "--without-gossip",
        "--without-mingle",
        "--task-events",
        "--loglevel=INFO",
    ]
    sys.exit(app.worker_main(arguments))
