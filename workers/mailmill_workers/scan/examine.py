"""Asking everything that has something to say about a message, at the same time."""

from __future__ import annotations

import asyncio
import functools
import logging
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

from mailmill.findings import Forbidden, SpamAnswer, Unscannable
from mailmill.hostnames import look_up
from mailmill.settings import Settings
from mailmill.settings.facts import UNKNOWN_CLIENT
from mailmill.settings.formail import MailSettings, asks_names
from mailmill.settings.options.policy import MAXIMUM_MESSAGE_PARTS
from mailmill.settings.options.scanners import MAX_SPAM_CHECK_SIZE, SPAM_CHECKS, VIRUS_SCANNING
from mailmill_workers.content.attachments import forbidden
from mailmill_workers.content.part import Part
from mailmill_workers.content.parts import unpack
from mailmill_workers.engines.build import spam_engine, virus_engines
from mailmill_workers.mail import Mail
from mailmill_workers.scan.asking import Asking
from mailmill_workers.scan.policy import facts_for
from mailmill_workers.scan.report import Report
from mailmill_workers.scan.trail import Trail

log = logging.getLogger(__name__)


class Examiner:
    """Holds the engines for one batch. Use as an asynchronous context manager."""

    def __init__(self, settings: Settings, asking: Asking) -> None:
        """Ask the engines that the settings name, by way of `asking`."""
        self._settings = settings
        self._asking = asking
        self._viruses = virus_engines(settings)
        self._spam = spam_engine(settings)
        self._asks_names = asks_names(settings)

    async def __aenter__(self) -> Self:
        await self._asking.begin(self._viruses, self._spam)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        await asyncio.gather(*(engine.close() for engine in self._viruses))
        if self._spam is not None:
            await self._spam.close()
        await self._asking.end()

    async def examine(self, mail: Mail, trail: Trail) -> Report:
        """Return what all engines and checks say of a message; `trail` hears what is being done."""
        client = mail.header.envelope.client
        if self._asks_names and client.address and client.name in {"", UNKNOWN_CLIENT}:
            # Rules find the answer there, and other messages need not wait for it.
            await asyncio.to_thread(look_up, client.address)
        virus_scan = any(settings[VIRUS_SCANNING] for settings in self._for_each_recipient(mail))
        asked = self._viruses if virus_scan else ()
        viruses = asyncio.gather(*(self._asking.virus(engine, mail, trail) for engine in asked))
        spam = asyncio.ensure_future(self._check_spam(mail, trail))
        with trail.step("unpacking"):
            unpacked = unpack(mail.content, self._settings[MAXIMUM_MESSAGE_PARTS])
        parts = () if isinstance(unpacked, Unscannable) else unpacked
        answers = await viruses
        spam_answer = await spam
        for engine, answer in zip(asked, answers, strict=True):
            log.debug("%s: %s: %s", mail.header.id, engine.name, answer)
        if self._spam is not None:
            log.debug("%s: %s: %s", mail.header.id, self._spam.name, spam_answer)
        log.debug("%s: parts: %s", mail.header.id, [(part.content_type, part.names) for part in parts])
        return Report(
            viruses=tuple((engine.name, answer) for engine, answer in zip(asked, answers, strict=True)),
            spam_scanner=self._spam.name if self._spam and spam_answer else "",
            spam=spam_answer,
            unpacked=unpacked if isinstance(unpacked, Unscannable) else None,
            forbidden=functools.cache(functools.partial(_forbidden, self._settings, parts)),
            took=trail.took,
            cached=trail.cached,
        )

    async def _check_spam(self, mail: Mail, trail: Trail) -> SpamAnswer | None:
        if self._spam is None or not any(
            settings[SPAM_CHECKS] and len(mail.content) <= settings[MAX_SPAM_CHECK_SIZE]
            for settings in self._for_each_recipient(mail)
        ):
            return None
        return await self._asking.spam(self._spam, mail, trail)

    def _for_each_recipient(self, mail: Mail) -> Iterator[MailSettings]:
        for recipient in mail.header.envelope.recipients:
            yield MailSettings(self._settings, facts_for(mail, recipient))


def _forbidden(
    settings: Settings, parts: tuple[Part, ...], names: tuple[Path, ...], types: tuple[Path, ...]
) -> tuple[Forbidden, ...]:
    return forbidden(parts, settings.attachment_rules(names), settings.attachment_rules(types))
