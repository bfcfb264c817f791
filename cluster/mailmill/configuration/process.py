"""The one configuration of a process, for those that nobody can hand it to: Celery's tasks and callbacks."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from mailmill.configuration.live import Live
from mailmill.configuration.localcopy import LocalCopy
from mailmill.configuration.published import First, Node
from mailmill.configuration.source import FileSource
from mailmill.configuration.store import PublishedConfigurations
from mailmill.connection import connect
from mailmill.errors import ConfigError
from mailmill.process import prepare_directory
from mailmill.settings import Settings
from mailmill.settings.options.choices import ConfigurationSource
from mailmill.settings.options.cluster import REDIS_URL
from mailmill.settings.options.system import CONFIGURATION_DIR, CONFIGURATION_SOURCE

#: Access to `Configuration Dir`: it holds the passwords that the configuration has.
DIRECTORY_MODE: Final = 0o700

_live: Live | None = None


def begin(path: Path | None = None, environ: Mapping[str, str] = os.environ, *, daemon: bool = False) -> Live:
    """Read the configuration of this process.

    Args:
        path: MailScanner.conf; None: as in `Settings.load`.
        environ: beats the file.
        daemon: whether to wait for a configuration that is not published yet, and to keep a copy.

    Raises:
        ConfigError: with every problem at once.
    """
    global _live  # noqa: PLW0603 - Celery gives a task nothing that it could be kept in
    files = FileSource(path, environ)
    own = files.load()
    if own[CONFIGURATION_SOURCE] is ConfigurationSource.FILES:
        _live = Live(files, own)
    else:
        _live = _published(own, environ, daemon=daemon)
    return _live


def live() -> Live:
    """Return the configuration of this process; one that was forked goes on with what its parent had."""
    global _live  # noqa: PLW0603 - see above
    if _live is None:
        return begin()
    _live = _live.in_this_process()
    return _live


def settings() -> Settings:
    """Return the settings in force in this process."""
    return live().settings


def _published(own: Settings, environ: Mapping[str, str], *, daemon: bool) -> Live:
    directory = own[CONFIGURATION_DIR]
    try:
        store = PublishedConfigurations(connect(own[REDIS_URL]))
    except ValueError as exc:
        raise ConfigError([f"{REDIS_URL.name}: {exc}"]) from exc
    source, settings = First(store, LocalCopy(directory), Node(own, environ)).begin(wait=daemon)
    if daemon:
        prepare_directory(directory, DIRECTORY_MODE, settings, CONFIGURATION_DIR)
        try:
            source.accept()
        except OSError as exc:
            raise ConfigError([f"{CONFIGURATION_DIR.name}: {exc}"]) from exc
    return Live(source, settings)
