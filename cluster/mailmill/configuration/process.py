"""The one configuration of a process, for those that nobody can hand it to: Celery's tasks and callbacks."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from mailmill.configuration.live import Live
from mailmill.configuration.source import FileSource
from mailmill.settings import Settings

_live: Live | None = None


def begin(path: Path | None = None, environ: Mapping[str, str] = os.environ) -> Live:
    """Read the configuration of this process.

    Args:
        path: MailScanner.conf; None: as in `Settings.load`.
        environ: beats the file.

    Raises:
        ConfigError: with every problem at once.
    """
    global _live  # noqa: PLW0603 - Celery gives a task nothing that it could be kept in
    source = FileSource(path, environ)
    _live = Live(source, source.load())
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
