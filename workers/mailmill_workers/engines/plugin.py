"""Engines that other packages bring. Their faults are the answer `Failed`, as those of any engine."""

from __future__ import annotations

import asyncio
import functools
import logging
from collections.abc import Callable
from typing import Any, Final

from mailmill.bounded import TimeLimited
from mailmill.findings import Clean, Failed, Found, Scored, Unscannable
from mailmill.plugins import ENGINES, PluginError, find_plugin, load_plugin
from mailmill.settings import Settings
from mailmill_workers.mail import Mail

log = logging.getLogger(__name__)

#: Seconds that the making of an engine may take, for instance to read its rules.
MAKING_LIMIT: Final = 60.0
#: Calls of plug-ins that one process has under way, those included that were given up.
_THREADS: Final = 16
_calls: Final = TimeLimited(_THREADS)

_VIRUS_ANSWERS: Final = (Clean, Found, Unscannable, Failed)
_SPAM_ANSWERS: Final = (Scored, Failed)


class PluginEngine:
    """An engine of a plug-in, as virus scanner or as spam scanner."""

    #: It is asked in this process.
    servers = ()

    def __init__(self, name: str, settings: Settings, limit: float) -> None:
        """Ask the plug-in `name`, for `limit` seconds at most; it is made when it is first needed."""
        self.name = name
        self._settings = settings
        self._limit = limit

    async def scan(self, mail: Mail) -> Clean | Found | Unscannable | Failed:
        """Return what the engine says of the message as a virus scanner."""
        answer: Clean | Found | Unscannable | Failed = await self._ask("scan", mail, _VIRUS_ANSWERS)
        return answer

    async def check(self, mail: Mail) -> Scored | Failed:
        """Return what the engine says of the message as a spam scanner."""
        answer: Scored | Failed = await self._ask("check", mail, _SPAM_ANSWERS)
        return answer

    def told(self, _mail: Mail) -> tuple[str, ...]:
        """Return nothing: nobody knows what the answer depends on."""
        return ()

    async def version(self) -> None:
        """Return None: without a version its answers are not kept."""
        return

    async def close(self) -> None:
        """Do nothing: the plug-in stays for the life of the process."""

    async def _ask(self, method: str, mail: Mail, answers: tuple[type, ...]) -> Any:
        try:
            # A thread waits for the thread of the call: the event loop stays free whatever the plug-in does.
            engine = await asyncio.to_thread(_calls.call, self._made, MAKING_LIMIT)
            call: Callable[[], object] = functools.partial(getattr(engine, method), mail)
            answer = await asyncio.to_thread(_calls.call, call, self._limit)
        except TimeoutError as exc:
            log.error("%s: engine %s: %s", mail.id, self.name, exc)  # noqa: TRY400 - no trace of where it hangs
            return Failed(str(exc) or "time-out")
        except PluginError as exc:
            log.error("%s: engine %s: %s", mail.id, self.name, exc)  # noqa: TRY400 - the text says it
            return Failed(str(exc))
        except Exception as exc:  # whatever a plug-in does
            log.exception("%s: engine %s failed", mail.id, self.name)
            return Failed(f"{type(exc).__name__}: {exc}")
        if not isinstance(answer, answers):
            log.error("%s: engine %s answered with %r", mail.id, self.name, answer)
            return Failed(f"it answered with {type(answer).__name__}")
        return answer

    def _made(self) -> Any:
        return made_engine(self.name, self._settings)


@functools.lru_cache(maxsize=16)
def made_engine(name: str, settings: Settings) -> Any:
    """Return the engine of a plug-in, the same one for the same settings; a failure is not remembered.

    Raises:
        PluginError: it is not installed, or cannot be loaded.
    """
    point = find_plugin(ENGINES, name)
    if point is None:
        raise PluginError(f"the plug-in {name} is not installed")
    return load_plugin(point)(settings)
