"""Taking over the spool of an edge that is gone, from its disk: every message into the same state here.

A message is at every moment whole in at least one of the two spools: on one file system it is renamed, from
another it is copied, made durable and only then removed there. A take-over that was interrupted goes on when
it is started again.
"""

from __future__ import annotations

import contextlib
import enum
import errno
import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Final, Protocol

from msgspec import Struct

from mailmill.errors import DamagedSpoolFileError, SpoolError
from mailmill.intake.directories import ALL
from mailmill.mailids import MAIL_ID
from mailmill.process import Identity
from mailmill.queuelock import QueueLock
from mailmill.spool import CONFIRMED, Spool, State
from mailmill.spoolfile import unpack_named
from mailmill.syncing import sync_directory

#: The states of which messages are taken. What is in `incoming` was never acknowledged to a client.
TAKEN: Final = (State.ACTIVE, State.DEFERRED, State.CORRUPT)


class Fate(enum.StrEnum):
    """What became of a file."""

    ADOPTED = "adopted"
    #: It is damaged: it is in `corrupt` here.
    DAMAGED = "damaged"
    #: It had been copied here before: only the file over there was removed.
    HERE_ALREADY = "here already"
    #: It is no message, or it cannot be read or moved: it stays where it is.
    LEFT = "left"


class Adopted(Struct, frozen=True):
    """What became of one file of the other spool."""

    path: Path
    fate: Fate
    #: Why, for what is damaged or left.
    reason: str = ""


def queues_below(directory: Path) -> list[Path]:
    """Return the queue directories that `directory` is or holds.

    Raises:
        SpoolError: it holds none, or cannot be read.
    """
    try:
        candidates = [directory, *sorted(path for path in directory.iterdir() if path.is_dir())]
        found = [path for path in candidates if all((path / state).is_dir() for state in State)]
    except OSError as exc:
        raise SpoolError(f"cannot read {directory}: {exc.strerror or exc}") from exc
    if not found:
        raise SpoolError(f"{directory} neither is nor holds a queue directory (with {', '.join(State)})")
    return found


class Adoption:
    """Takes messages over into the two queues of this edge."""

    def __init__(
        self,
        incoming: Spool,
        outgoing: Spool,
        identity: Identity,
        restore: Callable[[list[tuple[str, tuple[str, ...]]]], None],
        told: Callable[[Adopted], None],
    ) -> None:
        """Take over into these queues.

        Args:
            incoming: `Incoming Queue Dir` of this edge.
            outgoing: `Outgoing Queue Dir` of this edge.
            identity: Who the files belong to here.
            restore: Tells the cluster what was confirmed of messages, by Mailmill id; raises `SpoolError`.
            told: Hears of each file.
        """
        self._incoming = incoming
        self._outgoing = outgoing
        self._identity = identity
        self._restore = restore
        self._told = told

    def take(self, roots: list[Path]) -> None:
        """Take over all messages of the queue directories `roots`.

        Raises:
            QueueInUseError: a queue manager works on one of them.
            SpoolError: one is a queue of this edge, or cannot be written.
        """
        with ExitStack() as locks:
            for root in roots:
                for own in (self._incoming.root, self._outgoing.root):
                    if root.samefile(own):
                        raise SpoolError(f"{root} is a queue of this edge itself")
                locks.enter_context(QueueLock(root))
                for path in (root / name for name in (*TAKEN, *ALL)):
                    # What is copied must be removed there, or it would be taken again another day.
                    if path.exists() and not os.access(path, os.W_OK | os.X_OK):
                        raise SpoolError(f"{path} cannot be written: is it mounted read-only?")
            for root in roots:
                self._take_intake(root)
                for state in TAKEN:
                    for path in _oldest_first(root / state):
                        self._told(self._one(_File(path), state))

    def _take_intake(self, root: Path) -> None:
        there = Spool(root)
        there.intake.take_charge()
        there.intake.look()
        if there.intake.written():
            raise SpoolError(f"{root} is in use: a milter writes to {there.intake.written()[0]}")
        for path in there.intake.unread():
            self._told(Adopted(path, Fate.LEFT, "it cannot be read to its end"))
        there.settle()
        for name in sorted(there.intake.names()):
            self._told(self._one(_Record(there, name), State.ACTIVE))
        # That takes no room; on a full disk it is what makes room to write the other ends down.
        there.sweep()
        there.flush()
        there.intake.close()

    def _one(self, source: _Source, state: State) -> Adopted:
        path = source.path
        try:
            if not source.is_file():
                return Adopted(path, Fate.LEFT, "not a file")
            if MAIL_ID.match(path.name.partition(".")[0]) is None:
                return Adopted(path, Fate.LEFT, "not named as a message")
            data = source.read()
            try:
                header = unpack_named(path.name, data).header
            except DamagedSpoolFileError as exc:
                return self._move(source, data, self._queue_of(path), State.CORRUPT, str(exc))
            spool = self._incoming if header.delivery is None else self._outgoing
            return self._move(source, data, spool, state)
        except OSError as exc:
            return Adopted(path, Fate.LEFT, exc.strerror or str(exc))
        except SpoolError as exc:
            return Adopted(path, Fate.LEFT, str(exc))

    def _queue_of(self, path: Path) -> Spool:
        """Return the queue for a file that nothing but its name tells of: delivery ids have a point."""
        return self._outgoing if "." in path.name else self._incoming

    def _move(self, source: _Source, data: bytes, spool: Spool, state: State, damage: str = "") -> Adopted:
        path = source.path
        for other in State:
            there = spool.path(path.name, other)
            if not there.exists():
                continue
            if other is State.INCOMING:
                there.unlink()  # a copy that was interrupted
            elif there.read_bytes() != data:
                return Adopted(path, Fate.LEFT, f"{there} has the same name and other content")
            else:
                source.remove()
                return Adopted(path, Fate.HERE_ALREADY)
        marks = path.parents[1] / CONFIRMED / path.name
        if marks.exists():
            self._take_marks(marks, spool)
        if not source.has_own_file or not self._renamed(path, spool.path(path.name, state)):
            self._copy(source, data, spool, state)
        return Adopted(path, Fate.DAMAGED if damage else Fate.ADOPTED, damage)

    def _take_marks(self, marks: Path, spool: Spool) -> None:
        """Take over what was confirmed of a message, before its queue manager here can know of it."""
        text = marks.read_text(encoding="utf-8")
        self._restore([(marks.name.partition(".")[0], tuple(text.splitlines()))])
        directory = spool.root / CONFIRMED
        directory.mkdir(mode=0o700, exist_ok=True)
        self._give(directory)
        copy = directory / marks.name
        with copy.open("w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        self._give(copy)
        sync_directory(directory)

    def _give(self, path: Path) -> None:
        if os.geteuid() == 0:
            os.chown(path, self._identity.uid, self._identity.gid)

    def _renamed(self, path: Path, target: Path) -> bool:
        """Rename a file; return False when the target is on another file system."""
        try:
            self._rename(path, target)
        except OSError as exc:
            if exc.errno != errno.EXDEV:
                raise
            return False
        return True

    def _rename(self, path: Path, target: Path) -> None:
        # The owner first: the queue manager may take the file up the moment that it is there.
        before = path.stat()
        self._give(path)
        try:
            path.rename(target)
        except OSError:
            if os.geteuid() == 0:
                os.chown(path, before.st_uid, before.st_gid)
            raise
        sync_directory(target.parent)
        sync_directory(path.parent)

    def _copy(self, source: _Source, data: bytes, spool: Spool, state: State) -> None:
        owner = (self._identity.uid, self._identity.gid) if os.geteuid() == 0 else None
        # In `deferred` it is the time of the next attempt.
        spool.store(source.path.name, data, state, changed=source.changed(), owner=owner)
        source.remove()


class _Source(Protocol):
    """A message of the other spool."""

    path: Path
    has_own_file: bool

    def is_file(self) -> bool: ...
    def read(self) -> bytes: ...
    def changed(self) -> float: ...
    def remove(self) -> None: ...


class _File:
    """A message in a file of its own."""

    has_own_file = True

    def __init__(self, path: Path) -> None:
        self.path = path

    def is_file(self) -> bool:
        return self.path.is_file() and not self.path.is_symlink()

    def read(self) -> bytes:
        return self.path.read_bytes()

    def changed(self) -> float:
        return self.path.stat().st_mtime

    def remove(self) -> None:
        self.path.unlink()
        sync_directory(self.path.parent)


class _Record:
    """A message of the intake. Its path is what that of a file of its own would be."""

    has_own_file = False

    def __init__(self, spool: Spool, name: str) -> None:
        self._spool = spool
        self._name = name
        self.path = spool.path(name, State.ACTIVE)

    def is_file(self) -> bool:
        return True

    def read(self) -> bytes:
        return self._spool.read_bytes(self._name, State.ACTIVE)

    def changed(self) -> float:
        return self._spool.entry(self._name, State.ACTIVE).changed

    def remove(self) -> None:
        self._spool.remove(self._name, State.ACTIVE)
        with contextlib.suppress(SpoolError):  # a full disk: it is tried again when this queue has been read
            self._spool.flush()


def _oldest_first(directory: Path) -> Iterator[Path]:
    """Yield the files of a state; names begin with the time of arrival."""
    try:
        names = sorted(os.listdir(directory))  # noqa: PTH208 - names sort faster than paths
    except OSError as exc:
        raise SpoolError(f"cannot read {directory}: {exc.strerror or exc}") from exc
    for name in names:
        yield directory / name
