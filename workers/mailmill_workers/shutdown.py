"""Ending a worker in bounded time.

SIGTERM is Celery's warm shutdown: no new tasks, and those that run come to their end, which usually takes
less than two seconds. But it waits for ever for one that hangs. So after a while the worker gets SIGQUIT,
Celery's cold shutdown: running tasks are killed and go back into their queue at once.

Celery's own soft shutdown is not used: it sleeps for its whole time while it hears nothing of the tasks that
end, and then hands out again what was finished long ago (measured with Celery 5.7: 32 s for tasks of one
second; celery #9505).
"""

from __future__ import annotations

import logging
import os
import signal
import threading
from typing import Any, Final

from celery.signals import worker_shutting_down

log = logging.getLogger(__name__)

#: Seconds that running tasks get to finish: well below systemd's TimeoutStopSec (90 s) and the containers'
#: stop_grace_period (60 s).
GRACE: Final = 30.0


def bound_shutdown(seconds: float = GRACE) -> None:
    """Let a warm shutdown of this process's worker become a cold one after `seconds`."""

    def begin(how: str, **_: Any) -> None:
        if how == "Warm":
            timer = threading.Timer(seconds, _end)
            timer.daemon = True
            timer.start()

    worker_shutting_down.connect(begin, weak=False)


def _end() -> None:
    log.warning("running tasks do not end: they are handed back")
    os.kill(os.getpid(), signal.SIGQUIT)
