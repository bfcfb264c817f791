"""The Celery tasks `mailmill.scan` and `mailmill.give_up`."""

from __future__ import annotations

import functools
import logging
import os
from typing import Any, Final

from mailmill.app import app
from mailmill.settings.options.cluster import SCAN_TIME_LIMIT
from mailmill.settings.options.system import (
    QUARANTINE_DIR,
    QUARANTINE_GROUP,
    QUARANTINE_PERMISSIONS,
)
from mailmill.tasks import GIVE_UP, SCAN
from mailmill_workers import runtime
from mailmill_workers.scan.batch import ScanBatch
from mailmill_workers.scan.decision import Decider
from mailmill_workers.scan.examine import Examiner
from mailmill_workers.scan.giveup import GiveUp
from mailmill_workers.scan.handon import HandOn
from mailmill_workers.scan.notes import ScanNotes
from mailmill_workers.scan.quarantine import Quarantine

log = logging.getLogger(__name__)

#: Exit status of a process that had no memory left outside of any message's scan (sysexits.h: EX_OSERR).
OUT_OF_MEMORY: Final = os.EX_OSERR


@functools.cache
def _decider() -> Decider:
    settings = runtime.settings()
    quarantine = Quarantine(
        settings[QUARANTINE_DIR], settings[QUARANTINE_PERMISSIONS], settings[QUARANTINE_GROUP]
    )
    return Decider(settings, quarantine, runtime.node("scan"))


@functools.cache
def _hand_on() -> HandOn:
    return HandOn(runtime.contents(), runtime.reporter(runtime.node("scan")), runtime.tasks())


@functools.cache
def _notes() -> ScanNotes:
    return ScanNotes(runtime.client(), runtime.node("scan"), runtime.settings()[SCAN_TIME_LIMIT])


@functools.cache
def _scan_batch() -> ScanBatch:
    return ScanBatch(
        contents=runtime.contents(),
        ledger=runtime.ledger(runtime.node("scan")),
        decider=_decider(),
        hand_on=_hand_on(),
        notes=_notes(),
        examiner=functools.partial(Examiner, runtime.settings()),
    )


@app.task(name=SCAN, bind=True, Request="mailmill_workers.scan.request:ScanRequest")  # type: ignore[untyped-decorator]
def scan(self: Any, edge: str, mail_ids: list[str]) -> None:
    """Scan messages of an edge that are in the contents store."""
    try:
        _scan_batch().run(edge, mail_ids, self.request.id)
    except MemoryError:
        # Celery would end the parent (Request.on_failure). The notes tell whom it was about.
        log.exception("no memory left for a batch of %d", len(mail_ids))
        os._exit(OUT_OF_MEMORY)


@app.task(name=GIVE_UP)  # type: ignore[untyped-decorator]  # Celery has no types
def give_up(edge: str, mail_id: str, reason: str) -> None:
    """Put a message of an edge into the quarantine that no scan survives."""
    GiveUp(runtime.contents(), runtime.ledger(runtime.node("scan")), _decider(), _hand_on(), _notes()).run(
        edge, mail_id, reason
    )
