"""Group commit: messages that end at about the same time are made durable by one sync (R20)."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Iterator
from typing import Final, Protocol

from mailmill.errors import SpoolError
from mailmill.intake import Arrival, IntakeWriter
from mailmill_milter.inhand import InHand

log = logging.getLogger(__name__)

#: Messages in hand from which on a sync waits for others, and seconds for which it does at most (PostgreSQL's
#: commit_siblings and commit_delay). Over 50 connections and two processes: 1.14 times as many messages a
#: second as without waiting, with 3 ms 1.10 times (medians of five runs); with fewer in hand it only delays.
SIBLINGS: Final = 8
DELAY: Final = 0.006


class Waiting(Protocol):
    """Who waits for a message to be durable."""

    @property
    def arrival(self) -> Arrival | None:
        """The message; None when nobody waits for it any more."""

    def settle(self, error: Exception | None) -> None:
        """Hear that it is durable, or why it does not count: answer."""

    def report(self) -> None:
        """Tell the log, once all have been answered."""

    def give_up(self) -> None:
        """Close the connection: something is wrong with it."""


class Commits:
    """The messages of one event loop that wait to be durable."""

    def __init__(self, loop: asyncio.AbstractEventLoop, intake: IntakeWriter, in_hand: InHand) -> None:
        """Append to `intake`; `in_hand` says how many others may end soon."""
        self._loop = loop
        self._intake = intake
        self._in_hand = in_hand
        self._waiting: list[Waiting] = []
        self._timer: asyncio.Handle | None = None
        self._committing = False

    def add(self, waiting: Waiting) -> None:
        """Make a message durable, at once or soon; its `settle` is called then."""
        self._waiting.append(waiting)
        in_hand = self._in_hand.count
        if len(self._waiting) >= in_hand and not self._committing:  # there is nothing to wait for
            if self._timer is not None:
                self._timer.cancel()
            self._commit()
        elif self._timer is None:
            # What has come in by now is read before: messages that end in it share the sync.
            delay = DELAY if in_hand >= SIBLINGS else 0.0
            self._timer = self._loop.call_later(delay, self._commit)

    def _commit(self) -> None:
        self._timer = None
        waiting, self._waiting = self._waiting, []
        self._committing = True  # an MTA that does not wait for answers may add its next message
        try:
            self._commit_all(waiting)
        finally:
            self._committing = False

    def _commit_all(self, waiting: list[Waiting]) -> None:
        found = [(each, each.arrival) for each in waiting]
        pairs = [(each, arrival) for each, arrival in found if arrival is not None]
        errors: list[SpoolError | None] | list[Exception]
        try:
            errors = self._intake.append_all([arrival for _, arrival in pairs])
        except Exception as exc:  # whatever it is, the senders must keep their messages
            log.exception("the intake failed")
            errors = [exc] * len(pairs)
        for (each, _), error in zip(pairs, errors, strict=True):
            with _one_at_a_time(each):
                each.settle(error)
        for each, _ in pairs:
            with _one_at_a_time(each):
                each.report()


@contextlib.contextmanager
def _one_at_a_time(each: Waiting) -> Iterator[None]:
    """Keep what goes wrong with one from the others."""
    try:
        yield
    except Exception:
        log.exception("a message could not be answered")
        each.give_up()
