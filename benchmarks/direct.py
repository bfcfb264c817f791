"""An engine that is fed directly: what it does on these cores when nothing else runs.

The speed of a machine that others use as well changes within minutes. So an engine gets one part of its
messages before the row that it is compared with, and the other part behind it.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from benchmarks import feed
from benchmarks.meter import Meter
from mailmill_local.ports import Ports
from mailmill_local.servers.base import Server
from mailmill_local.servers.rspamd import Rspamd
from mailmill_local.servers.spamd import Spamd

#: Processes of an engine, and messages at a time: enough to keep all of them busy.
PROCESSES: Final = os.cpu_count() or 1
_AT_ONCE: Final = 2 * PROCESSES
_ASKERS: Final = {"rspamd": feed.rspamd, "spamassassin": feed.spamd}
#: The engines that can be fed directly.
ENGINES: Final = frozenset(_ASKERS)


def server(engine: str, directory: Path, port: int) -> Server:
    """Return the server of an engine, with as many processes as there are cores."""
    if engine == "rspamd":
        return Rspamd(directory / "rspamd", port=port, processes=PROCESSES)
    return Spamd(directory / "spamd", port=port, processes=PROCESSES)


class Direct:
    """What an engine did of the messages that it was fed so far."""

    def __init__(self, engine: str, directory: Path) -> None:
        """Run `engine` below `directory`, which is made anew each time."""
        self._engine = engine
        self._directory = directory
        self._messages = 0
        self._seconds = 0.0
        self._elapsed = 0.0
        self._processor = 0.0
        self._elsewhere = 0.0

    def feed(self, messages: Sequence[bytes]) -> None:
        """Ask about messages.

        Raises:
            FeedError: a message got no proper answer.
            ServerError: the engine does not start.
        """
        if not messages:
            return
        shutil.rmtree(self._directory, ignore_errors=True)
        self._directory.mkdir(mode=0o711)
        port = Ports.free().rspamd
        with server(self._engine, self._directory, port) as running:
            meter = Meter({"engine": [running]})
            meter.start()
            rate = feed.feed(_ASKERS[self._engine], port, list(messages), _AT_ONCE)
            costs = meter.stop()
        self._messages += len(messages)
        self._seconds += len(messages) / rate
        self._elapsed += costs.elapsed
        self._processor += costs.stages["engine"]
        self._elsewhere += costs.elsewhere

    @property
    def rate(self) -> float:
        """Messages a second."""
        return self._messages / self._seconds

    @property
    def cpu(self) -> float:
        """Milliseconds of processor for each message."""
        return 1000 * self._processor / self._messages

    @property
    def others(self) -> float:
        """Processors that others had meanwhile."""
        return self._elsewhere / self._elapsed
