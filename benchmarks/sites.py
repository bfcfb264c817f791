"""Systems for measurements, and looks into their queues that cost little."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from pathlib import Path

from mailmill_local.ports import Ports
from mailmill_local.process import Sink, ignore
from mailmill_local.servers.postfix import Postfix
from mailmill_local.system import System


def site(directory: Path, ports: Ports, changes: Mapping[str, str], sink: Sink = ignore) -> System:
    """Return a prepared system of which nothing runs yet, in an empty directory."""
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(mode=0o711, parents=True)
    system = System(directory, ports, sink, changes=changes, console=False)
    system.prepare()
    return system


def spooled(spool: Path) -> list[Path]:
    """Return the messages that wait in a queue directory of Mailmill."""
    return [path for state in ("active", "deferred") for path in _files(spool / state)]


def waiting(spool: Path) -> int:
    """Return how many messages a queue directory of Mailmill holds, in whatever state."""
    return sum(len(_files(spool / state)) for state in ("incoming", "active", "deferred", "corrupt"))


def empty(spool: Path) -> None:
    """Remove the messages that wait; the milter alone may run."""
    for path in spooled(spool):
        path.unlink()


def postfix_idle(postfix: Postfix) -> bool:
    """Tell whether nothing waits in a Postfix queue."""
    return not any(
        files
        for state in ("maildrop", "incoming", "active", "deferred")
        for _, _, files in os.walk(postfix.queue / state)
    )


def _files(directory: Path) -> list[Path]:
    try:
        with os.scandir(directory) as entries:
            return [Path(entry.path) for entry in entries if entry.is_file(follow_symlinks=False)]
    except FileNotFoundError:
        return []
