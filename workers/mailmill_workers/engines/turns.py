"""Asking several servers in turn: bounded concurrency, a time limit for each, and no blame for neighbours."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Final, Generic, TypeVar

from mailmill.findings import Failed
from mailmill_workers.engines.silence import Silence

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

_log = logging.getLogger(__name__)

A = TypeVar("A")
T = TypeVar("T")

#: Answers in a row that a server must owe before it counts as down for the rest of the scan task. More than
#: one, so that a single message that an engine cannot digest does not take it from its neighbours.
_DOWN_AFTER: Final = 3


class NoAnswerError(Exception):
    """A server gave no answer that can be used; the text says why."""


class Turns(Generic[A]):
    """Servers of one kind, asked one after another until one answers.

    A question starts with the server that answered last. A server that owed several answers in a row is left
    out from then on: a hung server costs a batch its time limit once, not once for every message.
    """

    def __init__(
        self, servers: Sequence[A], limit: float, concurrency: int, silence: Silence[A] | None = None
    ) -> None:
        """Take at least one server; `limit` is the time for one question to one server, in seconds.

        `concurrency` is how many questions may be open at the same time; `silence` what is known of servers
        that hang, from earlier tasks of this process.
        """
        self._silence: Silence[A] = silence or Silence()
        self._servers = list(servers)
        self._limit = limit
        self._slots = asyncio.Semaphore(concurrency)
        self._preferred = 0
        self._owed = [0] * len(self._servers)
        self._last_reason = [""] * len(self._servers)

    async def ask(self, question: Callable[[A], Awaitable[T]]) -> T | Failed:
        """Return the first answer, or `Failed` with what each server did instead.

        Raises:
            MemoryError: this process has none left: no server's fault, which would be forgiven for ever.
        """
        async with self._slots:
            count = len(self._servers)
            first = self._preferred
            reasons = []
            for index in ((first + step) % count for step in range(count)):
                if self._owed[index] >= _DOWN_AFTER:
                    reasons.append(self._last_reason[index])
                    continue
                try:
                    answer = await self._ask_one(self._servers[index], question)
                except NoAnswerError as exc:
                    reason = f"{self._servers[index]}: {exc}"
                    self._owed[index] += 1
                    self._last_reason[index] = reason
                    reasons.append(reason)
                else:
                    self._owed[index] = 0
                    self._preferred = index
                    return answer
            return Failed("; ".join(reasons))

    async def _ask_one(self, server: A, question: Callable[[A], Awaitable[T]]) -> T:
        limit = self._silence.limit(server, self._limit)
        if not limit:
            raise NoAnswerError("hangs, not asked now")
        try:
            async with asyncio.timeout(limit):
                answer = await question(server)
        except NoAnswerError:
            self._silence.spoke(server)
            raise
        except TimeoutError:
            if self._silence.silent(server):
                _log.warning("%s: hangs, and is left alone for a while", server)
            raise NoAnswerError(f"no answer within {limit:g} s") from None
        except OSError as exc:
            self._silence.spoke(server)
            raise NoAnswerError(exc.strerror or str(exc) or type(exc).__name__) from exc
        except MemoryError:
            raise
        except Exception as exc:  # a client library's fault is the engine's: unknown never means clean
            _log.exception("%s: the client failed", server)
            raise NoAnswerError(f"{type(exc).__name__}: {exc}") from exc
        self._silence.spoke(server)
        return answer
