"""What engines say of their versions, asked seldom and remembered by the process."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Final, TypeVar

from mailmill_workers.engines.turns import NoAnswerError

if TYPE_CHECKING:
    from mailmill_workers.engines.engine import Engine

log = logging.getLogger(__name__)

A = TypeVar("A")

#: Seconds for which a version is believed: so long may an answer under the signatures before still be used.
BELIEVED: Final = 10.0
#: Seconds that a server may take to tell its version; one that is well takes less than a millisecond.
PATIENCE: Final = 1.0
#: Stands for the version of a server that did not tell it.
_SILENT: Final = "?"


class Versions:
    """What one process knows of the versions of its engines."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        """Nothing is known yet."""
        self._monotonic = monotonic
        self._told: dict[tuple[str, ...], tuple[str | None, float]] = {}

    async def ask(self, engines: Iterable[Engine]) -> dict[str, str]:
        """Return the versions of engines by their names, without those unknown; all are asked at once."""
        now = self._monotonic()
        wanted = list(engines)
        due = [engine for engine in wanted if now >= self._told.get(_where(engine), (None, now))[1]]
        for engine, version in zip(due, await asyncio.gather(*map(_ask, due)), strict=True):
            self._told[_where(engine)] = (version, now + BELIEVED)
        told = {engine.name: self._told[_where(engine)][0] for engine in wanted}
        return {name: version for name, version in told.items() if version is not None}


def _where(engine: Engine) -> tuple[str, ...]:
    """Return the name of an engine and its servers: a new configuration may name others."""
    return (engine.name, *map(str, engine.servers))


async def _ask(engine: Engine) -> str | None:
    try:
        return await engine.version()
    except Exception:  # the cache's fault must not become the message's
        log.exception("%s: its version cannot be told", engine.name)
        return None


async def versions_of(servers: Sequence[A], ask: Callable[[A], Awaitable[str]]) -> str | None:
    """Return the versions of all servers of an engine as one text; None when no server told its own.

    Servers with different versions, or one that is silent, make another text: what was said while they
    differed counts only as long as they differ in the same way.
    """

    async def one(server: A) -> str:
        try:
            async with asyncio.timeout(PATIENCE):
                return await ask(server)
        except (NoAnswerError, OSError):  # TimeoutError is an OSError
            return _SILENT

    told = set(await asyncio.gather(*map(one, servers)))
    return None if told == {_SILENT} else " | ".join(sorted(told))
