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
from collections.abc import Callable
from typing import Any, Final

from celery.signals import worker_shutting_down

log = logging.getLogger(__name__)

#: Seconds that running tasks get to finish.
GRACE: Final = 30.0
#: Seconds that handing back may take. Both together are well below the containers' stop_grace_period (60 s)
#: and systemd's TimeoutStopSec (90 s).
HAND_BACK: Final = 15.0


def bound_shutdown(grace: float = GRACE, hand_back: float = HAND_BACK) -> None:
    """Let a warm shutdown of this process's worker become a cold one, and that one the end of the process."""

    def begin(how: str, **_: Any) -> None:
        if how == "Warm":
            _after(grace, _go_cold)
        _after(grace + hand_back if how == "Warm" else hand_back, _give_up)

    worker_shutting_down.connect(begin, weak=False)


def _after(seconds: float, act: Callable[[], None]) -> None:
    timer = threading.Timer(seconds, act)
    timer.daemon = True
    timer.start()


def _go_cold() -> None:
    log.warning("running tasks do not end: they are handed back")
    os.kill(os.getpid(), signal.SIGQUIT)


def _give_up() -> None:
    # Redis does not answer. It hands out again what was not acknowledged, and so does the edge.
    log.error("tasks cannot be handed back: the end")
    os._exit(1)
