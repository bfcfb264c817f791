"""A scan task as the worker's parent process sees it: it alone learns how a pool process ended."""

from __future__ import annotations

import logging
import re
from typing import Any, Final

import redis
from billiard.einfo import ExceptionInfo, ExceptionWithTraceback
from billiard.exceptions import TimeLimitExceeded, WorkerLostError
from celery.worker import state
from celery.worker.request import Request

from mailmill.connection import connect
from mailmill.scannotes import note_exit
from mailmill.settings.options.cluster import REDIS_URL
from mailmill_workers import runtime
from mailmill_workers.scan.limits import OUT_OF_MEMORY

log = logging.getLogger(__name__)

#: What billiard says of a process that ended itself with this status.
_NO_MEMORY: Final = re.compile(rf"exitcode {OUT_OF_MEMORY}\b")
#: The longest text of an exit that is noted.
LONGEST: Final = 200


class ScanRequest(Request):  # type: ignore[misc]  # Celery has no types
    """Notes the end of a process before the task goes back into its queue."""

    def on_failure(
        self,
        exc_info: ExceptionInfo,
        send_failed_event: bool = True,  # noqa: FBT001, FBT002 - Celery's signature
        return_ok: bool = False,  # noqa: FBT001, FBT002 - Celery's signature
    ) -> Any:
        """See `Request`. A worker that is told to stop ends its processes itself: nobody's fault."""
        exc = exc_info.exception
        if isinstance(exc, ExceptionWithTraceback):
            exc = exc.exc
        if isinstance(exc, (TimeLimitExceeded, WorkerLostError, SystemExit)) and not _stopping():
            self._note(_how(exc))
        return super().on_failure(exc_info, send_failed_event=send_failed_event, return_ok=return_ok)

    def _note(self, how: str) -> None:
        edge, mail_ids = self.args[0], self.args[1]
        log.error("a scan of %d messages of %s came to no end: %s", len(mail_ids), edge, how)
        try:
            # A connection of its own: this is rare, and the pool processes are forked from here.
            with connect(runtime.settings()[REDIS_URL]) as client:
                note_exit(client, edge, self.id, mail_ids, how)
        except redis.RedisError as exc:
            log.warning("how the process ended is not noted: %s", exc)


def _stopping() -> bool:
    return any(told not in (None, False) for told in (state.should_stop, state.should_terminate))


def _how(exc: BaseException) -> str:
    if isinstance(exc, TimeLimitExceeded):
        return (
            f"killed after Scan Time Limit ({exc.args[0]:g} s)"
            if exc.args
            else "killed after Scan Time Limit"
        )
    if _NO_MEMORY.search(str(exc)):
        return "process died: no memory left within Scan Memory Limit"
    return f"process died: {exc}"[:LONGEST]
