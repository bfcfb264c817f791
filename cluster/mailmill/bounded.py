"""Calling what may hang: in a thread of its own, and waiting no longer than a time limit."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

T = TypeVar("T")


class TimeLimited:
    """Calls functions for a limited time.

    A call that does not come back leaves its thread behind, which ends with the process at the latest. There
    is a limit to these threads; a call that finds no place within its time fails.
    """

    def __init__(self, threads: int) -> None:
        """Have up to `threads` calls under way, those included that were given up."""
        self._places = threading.BoundedSemaphore(threads)

    def call(self, function: Callable[[], T], seconds: float) -> T:
        """Return what a function returns, or raise what it raises.

        Raises:
            TimeoutError: it takes longer, or too many calls are still under way.
        """
        if not self._places.acquire(timeout=seconds):
            raise TimeoutError("too many earlier calls have not come back yet")
        future: Future[T] = Future()

        def run() -> None:
            try:
                future.set_result(function())
            except Exception as exc:  # noqa: BLE001 - it is raised again in the caller's thread
                future.set_exception(exc)
            except BaseException as exc:  # noqa: BLE001 - no thread but the main one may end the process
                future.set_exception(RuntimeError(f"it ended with {exc!r}"))
            finally:
                self._places.release()

        try:
            threading.Thread(target=run, name="time-limited", daemon=True).start()
        except RuntimeError:
            self._places.release()
            raise
        try:
            return future.result(timeout=seconds)
        except TimeoutError:
            if future.done():
                raise
            raise TimeoutError(f"no answer within {seconds:g} s") from None
