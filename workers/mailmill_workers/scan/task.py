"""The Celery task `mailmill.scan`."""

from __future__ import annotations

import functools

from mailmill.app import app
from mailmill.settings.options.system import (
    QUARANTINE_DIR,
    QUARANTINE_GROUP,
    QUARANTINE_PERMISSIONS,
)
from mailmill.tasks import SCAN
from mailmill_workers import runtime
from mailmill_workers.scan.batch import ScanBatch
from mailmill_workers.scan.decision import Decider
from mailmill_workers.scan.examine import Examiner
from mailmill_workers.scan.quarantine import Quarantine


@functools.cache
def _scan_batch() -> ScanBatch:
    settings = runtime.settings()
    node = runtime.node("scan")
    quarantine = Quarantine(
        settings[QUARANTINE_DIR], settings[QUARANTINE_PERMISSIONS], settings[QUARANTINE_GROUP]
    )
    return ScanBatch(
        contents=runtime.contents(),
        ledger=runtime.ledger(node),
        reporter=runtime.reporter(node),
        tasks=runtime.tasks(),
        decider=Decider(settings, quarantine, node),
        examiner=functools.partial(Examiner, settings),
    )


@app.task(name=SCAN)  # type: ignore[untyped-decorator]  # Celery has no types
def scan(edge: str, mail_ids: list[str]) -> None:
    """Scan messages of an edge that are in the contents store."""
    _scan_batch().run(edge, mail_ids)
