"""The Celery tasks `mailmill.scan` and `mailmill.give_up`."""

from __future__ import annotations

import functools
import socket
from typing import Any

from mailmill.app import app
from mailmill.scannotes import ScanNotes
from mailmill.settings import Settings
from mailmill.settings.options.cluster import SCAN_TIME_LIMIT
from mailmill.settings.options.system import (
    QUARANTINE_DIR,
    QUARANTINE_GROUP,
    QUARANTINE_PERMISSIONS,
)
from mailmill.tasks import GIVE_UP, SCAN
from mailmill_workers import heartbeat, runtime
from mailmill_workers.engines.versions import Versions
from mailmill_workers.scan.asking import Asking
from mailmill_workers.scan.batch import ScanBatch
from mailmill_workers.scan.decision import Decider
from mailmill_workers.scan.examine import Examiner
from mailmill_workers.scan.giveup import GiveUp
from mailmill_workers.scan.handon import HandOn
from mailmill_workers.scan.limits import end_without_memory, without_limit
from mailmill_workers.scan.quarantine import Quarantine
from mailmill_workers.verdicts.store import VerdictStore, cache_url, connect


@functools.lru_cache(maxsize=1)
def _decider(settings: Settings) -> Decider:
    quarantine = Quarantine(
        settings.rule(QUARANTINE_DIR).default, settings[QUARANTINE_PERMISSIONS], settings[QUARANTINE_GROUP]
    )
    return Decider(settings, quarantine, runtime.node("scan"), host=socket.getfqdn())


@functools.cache
def _hand_on() -> HandOn:
    return HandOn(runtime.contents(), runtime.reporter(runtime.node("scan")), runtime.tasks())


@functools.cache
def _notes() -> ScanNotes:
    return ScanNotes(
        runtime.client(), runtime.node("scan"), heartbeat.WORKER, runtime.settings()[SCAN_TIME_LIMIT]
    )


@functools.lru_cache(maxsize=1)
def _scan_batch(settings: Settings) -> ScanBatch:
    """Return what scans by these settings: a batch has the same ones from its beginning to its end."""
    return ScanBatch(
        contents=runtime.contents(),
        ledger=runtime.ledger("scan"),
        decider=_decider(settings),
        hand_on=_hand_on(),
        notes=_notes(),
        examiner=functools.partial(_examiner, settings),
    )


@functools.lru_cache(maxsize=1)
def _verdicts(url: str | None) -> VerdictStore | None:
    return None if url is None else VerdictStore(connect(url))


@functools.cache
def _versions() -> Versions:
    return Versions()


def _examiner(settings: Settings) -> Examiner:
    return Examiner(settings, Asking(settings, _verdicts(cache_url(settings)), _versions()))


@app.task(name=SCAN, bind=True, Request="mailmill_workers.scan.request:ScanRequest")  # type: ignore[untyped-decorator]
def scan(self: Any, edge: str, mail_ids: list[str]) -> None:
    """Scan messages of an edge that are in the contents store."""
    with end_without_memory():
        _scan_batch(runtime.settings()).run(edge, mail_ids, self.request.id)


# Not handed out again at once when its process dies over it: the edge's lease does that, and slower.
@app.task(name=GIVE_UP, reject_on_worker_lost=False, acks_on_timeout=True)  # type: ignore[untyped-decorator]
def give_up(edge: str, mail_id: str, reason: str) -> None:
    """Put a message of an edge into the quarantine that no scan survives."""
    with end_without_memory(), without_limit():
        decider = _decider(runtime.settings())
        GiveUp(runtime.contents(), runtime.ledger("scan"), decider, _hand_on(), _notes()).run(
            edge, mail_id, reason
        )
