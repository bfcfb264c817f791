"""The configuration in force, replaced as a whole when there is a new one that can be used.

A thread looks for one and makes it ready, so that nobody waits for it. Whoever handles mail asks for the
settings once for each batch or message, and keeps what it got until that is finished.
"""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable
from typing import Final

import redis

from mailmill.configuration.source import Source
from mailmill.errors import ConfigError
from mailmill.logs import set_detail
from mailmill.settings import Settings
from mailmill.settings.options.system import DEBUG

log = logging.getLogger(__name__)

#: Seconds between looks.
INTERVAL: Final = 1.0

Hear = Callable[[Settings], None]


class Live:
    """The settings in force in this process."""

    def __init__(
        self,
        source: Source,
        settings: Settings,
        started_with: Settings | None = None,
        approve: Hear | None = None,
    ) -> None:
        """Begin with `settings`; options that count at start only keep the values of `started_with`.

        `approve` is called with new settings before they come into force; a ConfigError refuses them.
        """
        self._source = source
        self._settings = settings
        self._started_with = started_with or settings
        self._pid = os.getpid()
        self._thread: threading.Thread | None = None
        self.approve = approve
        self._hear: Hear | None = None
        self._trouble = ""

    @property
    def settings(self) -> Settings:
        """The settings in force. They do not change: new ones are another object."""
        return self._settings

    def in_this_process(self) -> Live:
        """Return this, or its like for a process that was forked from the one that made it."""
        if self._pid == os.getpid():
            return self
        return Live(self._source.in_child(), self._settings, self._started_with, self.approve)

    def watch(self, hear: Hear | None = None) -> None:
        """Look for new settings from now on, in a thread that ends with the process.

        `hear` is called in that thread with new settings that are in force.
        """
        self._hear = hear or self._hear
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="configuration", daemon=True)
            self._thread.start()

    def look(self) -> None:
        """Look once. What is wrong is logged, and the settings stay as they are."""
        try:
            found = self._source.newer()
            if found is not None and self.approve:
                self.approve(found)
            if found is not None:
                self._source.accept()
        except ConfigError as exc:
            told = [f"a new configuration is refused, {self._settings.version} stays in force", *exc.problems]
            for line in told:
                log.error("%s", line)  # noqa: TRY400 - no fault of the code
        except (OSError, redis.RedisError) as exc:
            if str(exc) != self._trouble:
                log.warning("no look for a new configuration: %s", exc)
            self._trouble = str(exc)
        else:
            self._trouble = ""
            if found is not None:
                self._take(found)

    def _take(self, settings: Settings) -> None:
        waiting = settings.hold_start(self._started_with)
        before, self._settings = self._settings, settings
        if settings.version == before.version:
            return
        log.info("configuration %s is in force, after %s", settings.version, before.version)
        for warning in settings.warnings:
            if warning not in before.warnings:
                log.warning("%s", warning)
        for option, text in waiting:
            now = settings.text(option)
            log.warning("%s = %s counts after a restart; until then it is %s", option.name, text, now)
        if settings[DEBUG] is not before[DEBUG]:
            set_detail(debug=settings[DEBUG])
        if self._hear:
            self._hear(settings)

    def _run(self) -> None:
        wait = threading.Event()
        while not wait.wait(INTERVAL):
            try:
                self.look()
            except Exception:  # whatever it is: the next look may go well, and mail goes on meanwhile
                log.exception("the look for a new configuration failed")
