"""Asking engines, with the verdict cache in between where it may be."""

from __future__ import annotations

import functools
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, cast

from mailmill.findings import Answer, SpamAnswer, VirusAnswer
from mailmill.keys import verdict_key
from mailmill.settings import Settings
from mailmill.settings.formail import MailSettings
from mailmill.settings.options.verdicts import CACHE_SPAM_RESULTS, CACHE_VIRUS_RESULTS
from mailmill_workers.engines.engine import Engine, SpamEngine, VirusEngine
from mailmill_workers.engines.versions import Versions
from mailmill_workers.mail import Mail
from mailmill_workers.scan.policy import facts_for
from mailmill_workers.scan.trail import Trail
from mailmill_workers.verdicts.batch import BatchVerdicts
from mailmill_workers.verdicts.lives import spam_life, virus_life
from mailmill_workers.verdicts.question import question
from mailmill_workers.verdicts.store import VerdictStore


class Asking:
    """The questions of one batch."""

    def __init__(self, settings: Settings, store: VerdictStore | None, versions: Versions) -> None:
        """Keep answers in `store`, under the versions that `versions` knows; without a store, ask always."""
        self._settings = settings
        self._versions = versions
        self._verdicts = None if store is None else BatchVerdicts(store)
        self._known: dict[str, str] = {}

    async def begin(self, viruses: Sequence[VirusEngine], spam: SpamEngine | None) -> None:
        """Learn the versions of the engines whose answers may be kept."""
        if self._verdicts is None:
            return
        wanted: list[Engine] = []
        if self._settings[CACHE_VIRUS_RESULTS]:
            wanted += viruses
        rule = self._settings.rule(CACHE_SPAM_RESULTS)
        if spam is not None and not (rule.is_constant and not rule.default):
            wanted.append(spam)
        self._known = await self._versions.ask(wanted)

    async def virus(self, engine: VirusEngine, mail: Mail, trail: Trail) -> VirusAnswer:
        """Return what an engine says of a message, or said of an identical one."""
        answer = await self._ask(
            engine,
            mail,
            trail,
            VirusAnswer,
            functools.partial(engine.scan, mail),
            lambda answer, _: virus_life(self._settings, answer),
            may=self._settings[CACHE_VIRUS_RESULTS],
        )
        return cast("VirusAnswer", answer)

    async def spam(self, engine: SpamEngine, mail: Mail, trail: Trail) -> SpamAnswer:
        """Return what an engine says of a message, or said of an identical one."""
        answer = await self._ask(
            engine,
            mail,
            trail,
            SpamAnswer,
            functools.partial(engine.check, mail),
            lambda answer, seconds: spam_life(self._settings, answer, mail, seconds),
            may=all(
                MailSettings(self._settings, facts_for(mail, recipient))[CACHE_SPAM_RESULTS]
                for recipient in mail.envelope.recipients
            ),
        )
        return cast("SpamAnswer", answer)

    async def end(self) -> None:
        """Keep what was learned."""
        if self._verdicts is not None:
            await self._verdicts.close()

    async def _ask(
        self,
        engine: Engine,
        mail: Mail,
        trail: Trail,
        kind: Any,
        ask: Callable[[], Awaitable[Answer]],
        life: Callable[[Answer, float], int],
        *,
        may: bool,
    ) -> Answer:
        took = 0.0

        async def asked() -> Answer:
            nonlocal took
            begun = time.monotonic()
            with trail.step(engine.name):
                answer = await ask()
            took = time.monotonic() - begun
            return answer

        version = self._known.get(engine.name)
        if self._verdicts is None or version is None or not may:
            return await asked()
        key = verdict_key(
            engine.name, question(engine.name, version, engine.servers, engine.told(mail), mail)
        )
        answer, cached = await self._verdicts.answer(key, kind, asked, lambda answer: life(answer, took))
        if cached:
            trail.cached.add(engine.name)
        return answer
