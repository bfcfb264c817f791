"""Keeps a number of child processes running, and ends them in bounded time."""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from mailmill.notify import notify

log = logging.getLogger(__name__)

#: A child that lived shorter than this, in seconds, is taken to be failing from the start.
SHORT_LIFE: Final = 10.0
#: Seconds before a child that lived short is started again: the first time, and at most. Doubles in between.
FIRST_DELAY: Final = 0.5
LONGEST_DELAY: Final = 30.0
#: Longest sleep of the supervisor, in seconds; a signal ends it earlier.
_LONGEST_SLEEP: Final = 60.0
_SIGNALS: Final = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD)


@dataclass
class _Slot:
    """A place for one child."""

    number: int
    pid: int = 0
    started: float = 0.0
    delay: float = 0.0
    #: When to start it, by the monotonic clock.
    due: float = 0.0


class Supervisor:
    """Forks the children, restarts those that die, and waits for all of them at the end.

    Children are told to stop by the end of a pipe of which only this process holds the other end. So they
    stop as well when this process is killed.
    """

    def __init__(self, children: int, serve: Callable[[int], None], *, patience: float) -> None:
        """Take what to run.

        Args:
            children: how many.
            serve: runs in each child; its argument is a file descriptor that comes to its end (reads empty)
                when the child shall stop.
            patience: seconds that the children get to stop before they are killed.
        """
        self._slots = [_Slot(number) for number in range(children)]
        self._serve = serve
        self._patience = patience
        self._stop_read, self._stop_write = os.pipe()

    def run(self) -> None:
        """Serve until SIGTERM or SIGINT, then stop the children."""
        signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
        for slot in self._slots:
            self._start(slot)
        notify("READY=1")
        while (number := self._wait()) not in {signal.SIGTERM, signal.SIGINT}:
            if number == signal.SIGHUP:
                log.info("SIGHUP ignored: a new configuration is noticed without it")
            self._reap()
            for slot in self._slots:
                if not slot.pid and slot.due <= time.monotonic():
                    self._start(slot)
        notify("STOPPING=1")
        log.info("stopping: children finish the messages in hand")
        self._stop()

    def _wait(self) -> int:
        """Sleep until a signal comes or a child is due; return the signal's number or 0."""
        due = [slot.due for slot in self._slots if not slot.pid]
        seconds = max(0.0, min([_LONGEST_SLEEP, *(moment - time.monotonic() for moment in due)]))
        found = signal.sigtimedwait(_SIGNALS, seconds)
        return found.si_signo if found else 0

    def _start(self, slot: _Slot) -> None:
        slot.started = time.monotonic()
        pid = os.fork()
        if pid == 0:
            self._child()
        slot.pid = pid
        log.debug("child %d is process %d", slot.number, pid)

    def _child(self) -> None:
        status = 1
        try:
            os.close(self._stop_write)
            # A terminal sends Ctrl-C to the whole process group; only the parent shall hear it.
            os.setpgid(0, 0)
            signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)
            self._serve(self._stop_read)
            status = 0
        except BaseException:  # it must not go on in the parent's place
            log.exception("child failed")
        finally:
            os._exit(status)

    def _reap(self) -> None:
        """Collect the children that have ended and set a time for their successors."""
        for slot in self._slots:
            if not slot.pid:
                continue
            pid, status = os.waitpid(slot.pid, os.WNOHANG)
            if not pid:
                continue
            now = time.monotonic()
            if now - slot.started < SHORT_LIFE:
                slot.delay = min(LONGEST_DELAY, max(FIRST_DELAY, 2 * slot.delay))
            else:
                slot.delay = 0.0
            log.error(
                "child %d (process %d) %s, restart in %.1f s", slot.number, pid, _end(status), slot.delay
            )
            slot.pid, slot.due = 0, now + slot.delay

    def _stop(self) -> None:
        os.close(self._stop_write)
        deadline = time.monotonic() + self._patience
        while any(slot.pid for slot in self._slots) and (left := deadline - time.monotonic()) > 0:
            signal.sigtimedwait((signal.SIGCHLD,), min(left, 1.0))
            for slot in self._slots:
                if slot.pid and os.waitpid(slot.pid, os.WNOHANG)[0]:
                    slot.pid = 0
        for slot in self._slots:
            if slot.pid:
                log.error("child %d (process %d) does not stop: killed", slot.number, slot.pid)
                with contextlib.suppress(ProcessLookupError):
                    os.kill(slot.pid, signal.SIGKILL)
                os.waitpid(slot.pid, 0)
        os.close(self._stop_read)


def _end(status: int) -> str:
    code = os.waitstatus_to_exitcode(status)
    return f"was killed by {signal.Signals(-code).name}" if code < 0 else f"exited with status {code}"
