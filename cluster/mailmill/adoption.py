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
from typing import Final

from msgspec import Struct

from mailmill.errors import DamagedSpoolFileError, SpoolError
from mailmill.mailids import MAIL_ID
from mailmill.process import Identity
from mailmill.queuelock import QueueLock
from mailmill.spool import CONFIRMED, Spool, State
from mailmill.spoolfile import unpack_named

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
                for state in TAKEN:
                    # What is copied must be removed there, or it would be taken again another day.
                    if not os.access(root / state, os.W_OK | os.X_OK):
                        raise SpoolError(f"{root / state} cannot be written: is it mounted read-only?")
            for root in roots:
                for state in TAKEN:
                    for path in _oldest_first(root / state):
                        self._told(self._one(path, state))

    def _one(self, path: Path, state: State) -> Adopted:
        try:
            if not path.is_file() or path.is_symlink():
                return Adopted(path, Fate.LEFT, "not a file")
            if MAIL_ID.match(path.name.partition(".")[0]) is None:
                return Adopted(path, Fate.LEFT, "not named as a message")
            data = path.read_bytes()
            try:
                header = unpack_named(path.name, data).header
            except DamagedSpoolFileError as exc:
                return self._move(path, data, self._queue_of(path), State.CORRUPT, str(exc))
            spool = self._incoming if header.delivery is None else self._outgoing
            return self._move(path, data, spool, state)
        except OSError as exc:
            return Adopted(path, Fate.LEFT, exc.strerror or str(exc))
        except SpoolError as exc:
            return Adopted(path, Fate.LEFT, str(exc))

    def _queue_of(self, path: Path) -> Spool:
        """Return the queue for a file that nothing but its name tells of: delivery ids have a point."""
        return self._outgoing if "." in path.name else self._incoming

    def _move(self, path: Path, data: bytes, spool: Spool, state: State, damage: str = "") -> Adopted:
        for other in State:
            there = spool.path(path.name, other)
            if not there.exists():
                continue
            if other is State.INCOMING:
                there.unlink()  # a copy that was interrupted
            elif there.read_bytes() != data:
                return Adopted(path, Fate.LEFT, f"{there} has the same name and other content")
            else:
                _remove(path)
                return Adopted(path, Fate.HERE_ALREADY)
        marks = path.parents[1] / CONFIRMED / path.name
        if marks.exists():
            self._take_marks(marks, spool)
        try:
            self._rename(path, spool.path(path.name, state))
        except OSError as exc:
            if exc.errno != errno.EXDEV:
                raise
            self._copy(path, data, spool, state)
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
        _sync(directory)

    def _give(self, path: Path) -> None:
        if os.geteuid() == 0:
            os.chown(path, self._identity.uid, self._identity.gid)

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
        _sync(target.parent)
        _sync(path.parent)

    def _copy(self, path: Path, data: bytes, spool: Spool, state: State) -> None:
        facts = path.stat()
        temporary = spool.path(path.name, State.INCOMING)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        try:
            with os.fdopen(os.open(temporary, flags, 0o600), "wb") as file:
                file.write(data)
                file.flush()
                if os.geteuid() == 0:
                    os.fchown(file.fileno(), self._identity.uid, self._identity.gid)
                # In `deferred` it is the time of the next attempt.
                os.utime(file.fileno(), ns=(facts.st_atime_ns, facts.st_mtime_ns))
                os.fsync(file.fileno())
            temporary.rename(spool.path(path.name, state))
        except OSError:
            with contextlib.suppress(OSError):
                temporary.unlink(missing_ok=True)
            raise
        spool.sync(state)
        _remove(path)


def _oldest_first(directory: Path) -> Iterator[Path]:
    """Yield the files of a state; names begin with the time of arrival."""
    try:
        names = sorted(os.listdir(directory))  # noqa: PTH208 - names sort faster than paths
    except OSError as exc:
        raise SpoolError(f"cannot read {directory}: {exc.strerror or exc}") from exc
    for name in names:
        yield directory / name


def _remove(path: Path) -> None:
    path.unlink()
    _sync(path.parent)


def _sync(directory: Path) -> None:
    fd = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
