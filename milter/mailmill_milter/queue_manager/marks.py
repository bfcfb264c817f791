"""What the edge has heard confirmed of messages that are not finished, on the disk next to them (R4).

A message with several deliveries stays until the last one has ended. What was confirmed before is marked in
Redis, and only there; a queue manager that is started again after Redis has lost its data would send those
parts a second time. So each queue directory has `confirmed/NAME`, one mark a line, for such messages, and the
marks are put back into Redis before the message goes to the workers again.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final

from mailmill.spool import CONFIRMED, Spool
from mailmill.syncing import sync_directory
from mailmill_milter.queue_manager.item import Name, Queue

log = logging.getLogger(__name__)

#: Before the name of a file that is being written.
_HIDDEN: Final = "."

#: Puts marks into Redis, each with the Mailmill id of its message; raises BrokerError.
Restore = Callable[[list[tuple[str, tuple[str, ...]]]], None]


class Marks:
    """The marks of one edge's unfinished messages."""

    def __init__(self, spools: dict[Queue, Spool], restore: Restore) -> None:
        """Keep files in a directory in each of `spools`; `restore` puts marks into Redis."""
        self._spools = spools
        self._directories = {queue: spool.root / CONFIRMED for queue, spool in spools.items()}
        self._restore = restore
        self._marks: dict[Name, set[str]] = {}
        self._changed: set[Name] = set()
        self.look(clean=True)

    def look(self, *, clean: bool = False) -> None:
        """Learn marks of messages that were not known of: all at the start, later those of adopted messages.

        `clean` removes what is left of messages that are gone; later, their messages may be about to come.
        """
        for queue, directory in self._directories.items():
            if directory.is_dir():
                self._load(queue, directory, clean=clean)

    def heard(self, name: Name, covers: Iterable[str]) -> None:
        """Note what was confirmed of a message that stays; `flush` makes it durable."""
        marks = set(covers)
        if marks - self._marks.get(name, set()):
            self._marks.setdefault(name, set()).update(marks)
            self._changed.add(name)

    def has(self, name: Name, mark: str) -> bool:
        """Tell whether a mark of a message was noted."""
        return mark in self._marks.get(name, ())

    def flush(self) -> None:
        """Write what was noted, before the outcomes that said so are removed from Redis."""
        changed, self._changed = self._changed, set()
        directories = set()
        for name in changed:
            try:
                directories.add(self._write(name))
            except OSError as exc:
                log.warning("%s: what was confirmed of it is only in Redis: %s", name.text, exc)
        for directory in directories:
            sync_directory(directory)

    def forget(self, name: Name) -> None:
        """A message has reached its end."""
        self._changed.discard(name)
        if self._marks.pop(name, None) is not None:
            self._path(name).unlink(missing_ok=True)

    def restore(self, names: Iterable[Name]) -> None:
        """Put the marks of messages that are about to go to the workers into Redis.

        Raises:
            BrokerError: Redis cannot be used.
        """
        known = [(name.mail_id, tuple(sorted(self._marks[name]))) for name in names if name in self._marks]
        if known:
            self._restore(known)

    def _load(self, queue: Queue, directory: Path, *, clean: bool) -> None:
        spool = self._spools[queue]
        spool.intake.refresh()
        for path in directory.iterdir():
            name = Name(path.name, queue)
            if name in self._marks:
                continue
            here = spool.holds(path.name)
            if here and not path.name.startswith(_HIDDEN):
                self._marks[name] = set(path.read_text(encoding="utf-8").splitlines())
            elif not here and clean:
                path.unlink(missing_ok=True)

    def _write(self, name: Name) -> Path:
        path = self._path(name)
        path.parent.mkdir(mode=0o700, exist_ok=True)
        temporary = path.with_name(f"{_HIDDEN}{path.name}")
        with temporary.open("w", encoding="utf-8") as file:
            file.writelines(f"{mark}\n" for mark in sorted(self._marks[name]))
            file.flush()
            os.fsync(file.fileno())
        temporary.rename(path)
        return path.parent

    def _path(self, name: Name) -> Path:
        return self._directories[name.queue] / name.text
