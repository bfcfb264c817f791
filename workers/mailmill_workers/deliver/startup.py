"""What a deliver process begins with: its journal, and the thread that looks after it."""

from __future__ import annotations

import functools
from typing import Final

from mailmill.connection import connect
from mailmill.settings.options.cluster import REDIS_URL
from mailmill.settings.options.delivery import DELIVERY_JOURNAL_DIR
from mailmill_workers import runtime
from mailmill_workers.deliver.journal import DeliveryJournal
from mailmill_workers.deliver.keeper import Keeper

#: The role of these processes, in their names.
ROLE: Final = "deliver"


@functools.cache
def journal() -> DeliveryJournal:
    """Return the journal of this process."""
    return DeliveryJournal(runtime.settings()[DELIVERY_JOURNAL_DIR], runtime.owner(ROLE))


def begin(**_: object) -> None:
    """Take up what dead processes left, before the first task: a handler of Celery's worker_process_init."""
    client = connect(runtime.settings()[REDIS_URL])
    Keeper(client, runtime.ledger(ROLE), journal(), runtime.reporter(runtime.node(ROLE))).start()
