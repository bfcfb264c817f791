"""The spool: a directory per state, a file per message, a rename per change (R1, R4).

    incoming/   being written; what is here was never acknowledged to a client
    active/     accepted
    deferred/   waits for its next attempt; the file's modification time says when (as in Postfix)
    corrupt/    could not be read: kept for a person
    intake/     accepted: small messages, many in one file (`mailmill.intake`); they are active too

Nothing here is acknowledged before write, fsync, close, rename and fsync of the directory have succeeded. A
message of the intake gets a file of its own when it leaves the state `active` for another one.
"""

from __future__ import annotations

import contextlib
import logging
import os
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Final

from msgspec import Struct

from mailmill.errors import DamagedSpoolFileError, SpoolError
from mailmill.groupsync import GroupSync
from mailmill.intake import Intake
from mailmill.mailids import arrival_of
from mailmill.spoolfile import SpoolFile, SpoolHeader, header_reach, unpack, unpack_header
from mailmill.spoolstate import State
from mailmill.spoolwriter import SpoolWriter, unlink_quietly
from mailmill.syncing import sync_directory

__all__ = ["CONFIRMED", "Entry", "Spool", "State"]

log = logging.getLogger(__name__)

#: The directory in a queue directory that holds, by the name of a message which waits, the marks of what was
#: confirmed of it, one a line.
CONFIRMED: Final = "confirmed"
#: Bytes of a spool file in which its header is looked for first: nearly all are shorter.
_HEADER_GUESS: Final = 4096


class Entry(Struct, frozen=True):
    """What can be said of a message without reading it."""

    name: str
    #: Bytes of its spool file.
    size: int
    #: When it came into its state, or in `deferred` when it is due: seconds since the epoch.
    changed: float


class Spool:
    """One queue directory, `Incoming Queue Dir` or `Outgoing Queue Dir`."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.intake = Intake(root)
        self._syncs = {state: GroupSync(partial(sync_directory, root / state)) for state in State}

    def path(self, name: str, state: State) -> Path:
        """Return where a file of its own of `name` is in `state`."""
        return self.root / state / name

    def place(self, name: str, state: State) -> str:
        """Return where the bytes of a message are, for people."""
        place = self.intake.place(name) if state is State.ACTIVE else None
        if place is None:
            return str(self.path(name, state))
        return f"{place.path}, {place.length} bytes from {place.offset} on"

    def create(self, header: SpoolHeader) -> SpoolWriter:
        """Begin a new message, named by its header's id.

        Raises:
            SpoolError: the disk refuses, or the name is taken.
        """
        return SpoolWriter(self, header)

    def read(self, name: str, state: State) -> SpoolFile:
        """Return a message.

        Raises:
            DamagedSpoolFileError: it is truncated or altered.
            SpoolError: it is not there or cannot be read.
        """
        data = self.read_bytes(name, state)
        try:
            return unpack(data)
        except DamagedSpoolFileError as exc:
            raise DamagedSpoolFileError(f"{self.place(name, state)}: {exc}") from exc

    def read_bytes(self, name: str, state: State) -> bytes:
        """Return the file of a message as it is on disk.

        Raises:
            SpoolError: it is not there or cannot be read.
        """
        try:
            data = self.intake.read(name) if state is State.ACTIVE else None
            return self.path(name, state).read_bytes() if data is None else data
        except OSError as exc:
            raise self.error("cannot read", name, exc) from exc

    def read_header(self, name: str, state: State) -> SpoolHeader:
        """Return only the header of a message; its content is not checked.

        Raises:
            DamagedSpoolFileError: the header is truncated.
            SpoolError: the file is not there or cannot be read.
        """
        try:
            start = self._start(name, state, _HEADER_GUESS)
            reach = header_reach(start)
            return unpack_header(start if reach <= len(start) else self._start(name, state, reach))
        except OSError as exc:
            raise self.error("cannot read", name, exc) from exc
        except DamagedSpoolFileError as exc:
            raise DamagedSpoolFileError(f"{self.place(name, state)}: {exc}") from exc

    def _start(self, name: str, state: State, length: int) -> bytes:
        start = self.intake.read(name, length) if state is State.ACTIVE else None
        if start is None:
            with self.path(name, state).open("rb") as file:
                start = file.read(length)
        return start

    def names(self, state: State) -> Iterator[str]:
        """Yield the names in a state, in no order."""
        with os.scandir(self.root / state) as entries:
            for entry in entries:
                yield entry.name
        if state is State.ACTIVE:
            self.intake.refresh()
            yield from self.intake.names()

    def holds(self, name: str) -> bool:
        """Tell whether a message waits here for its end; one of the intake counts once it was looked at."""
        if self.intake.place(name) is not None:
            return True
        return any(self.path(name, state).exists() for state in (State.ACTIVE, State.DEFERRED))

    def entries(self, state: State) -> Iterator[Entry]:
        """Yield what is in a state, in no order, without opening a file of its own.

        Raises:
            OSError: the directory or the intake cannot be read.
        """
        with os.scandir(self.root / state) as files:
            for file in files:
                with contextlib.suppress(FileNotFoundError):
                    if file.is_file(follow_symlinks=False):
                        facts = file.stat(follow_symlinks=False)
                        yield Entry(file.name, facts.st_size, facts.st_mtime)
        if state is State.ACTIVE:
            for name, length in self.intake.survey():
                yield Entry(name, length, arrival_of(name))

    def entry(self, name: str, state: State) -> Entry:
        """Return one message without opening a file of its own.

        Raises:
            OSError: it is not there (`FileNotFoundError`), or its directory cannot be read.
        """
        place = self.intake.place(name) if state is State.ACTIVE else None
        if place is not None:
            return Entry(name, place.length, arrival_of(name))
        facts = self.path(name, state).stat()
        return Entry(name, facts.st_size, facts.st_mtime)

    def remove(self, name: str, state: State) -> None:
        """Remove a message that has reached its end. One that is not there any more is no error.

        That a message of the intake is removed counts in other processes after `flush`.
        """
        if state is State.ACTIVE and self.intake.end(name):
            return
        try:
            self.path(name, state).unlink(missing_ok=True)
        except OSError as exc:
            raise self.error("cannot remove", name, exc) from exc

    def defer(self, name: str, state: State, until: float) -> None:
        """Let a message wait for its next attempt at `until` (seconds since the epoch)."""
        source, target = self.path(name, state), self.path(name, State.DEFERRED)
        if state is State.ACTIVE and self._unpack(name, State.DEFERRED, until):
            return
        try:
            os.utime(source, (until, until))
            source.rename(target)
        except OSError as exc:
            raise self.error("cannot defer", name, exc) from exc

    def due(self, name: str) -> float:
        """Return when the next attempt of a deferred message is due, in seconds since the epoch."""
        try:
            return self.path(name, State.DEFERRED).stat().st_mtime
        except OSError as exc:
            raise self.error("cannot read", name, exc) from exc

    def move(self, name: str, source: State, target: State) -> None:
        """Change the state of a message."""
        if source is State.ACTIVE and self._unpack(name, target):
            return
        try:
            self.path(name, source).rename(self.path(name, target))
        except OSError as exc:
            raise self.error(f"cannot move to {target}", name, exc) from exc

    def store(
        self,
        name: str,
        data: bytes,
        state: State,
        *,
        changed: float | None = None,
        owner: tuple[int, int] | None = None,
    ) -> None:
        """Write the bytes of a spool file into a state, durably.

        Args:
            name: Of the message.
            data: The whole file.
            state: Where to.
            changed: Its modification time, in seconds since the epoch; None: now.
            owner: uid and gid of its owner; None: this process's.

        Raises:
            SpoolError: the disk refuses; nothing of it stays.
        """
        temporary, target = self.path(name, State.INCOMING), self.path(name, state)
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC
        try:
            with os.fdopen(os.open(temporary, flags, 0o600), "wb") as file:
                file.write(data)
                file.flush()
                if owner is not None:
                    os.fchown(file.fileno(), *owner)
                if changed is not None:
                    os.utime(file.fileno(), (changed, changed))
                os.fsync(file.fileno())
            temporary.rename(target)
        except OSError as exc:
            unlink_quietly(temporary)
            raise self.error(f"cannot write to {state}", name, exc) from exc
        try:
            self.sync(state)
        except SpoolError:
            unlink_quietly(target)
            raise

    def flush(self) -> None:
        """Write down which messages of the intake were removed.

        Raises:
            SpoolError: the disk refuses; the next call tries again.
        """
        try:
            self.intake.flush()
        except OSError as exc:
            raise self.error("cannot write down the ends of", "messages", exc) from exc

    def sweep(self) -> None:
        """Remove what the intake does not need any more; keep what of it cannot be read, for a person.

        Raises:
            SpoolError: the disk refuses.
        """
        try:
            for remnant in self.intake.remnants():
                self.store(remnant.name, remnant.data, State.CORRUPT)
                log.error("%s: damaged, kept in %s", self.path(remnant.name, State.CORRUPT), State.CORRUPT)
        finally:
            # A disk that has no room for these needs the room that the others take.
            try:
                self.intake.sweep()
            except OSError as exc:
                raise self.error("cannot clear", "the intake", exc) from exc

    def settle(self) -> None:
        """End in the intake what has a file of its own already, and write down ends that could not be before.

        A crash may come between the two, and the message would be worked on again when that file is due.

        Raises:
            SpoolError: the disk refuses.
        """
        for state in (State.ACTIVE, State.DEFERRED, State.CORRUPT):
            try:
                self.intake.refresh()
                with os.scandir(self.root / state) as files:
                    both = [file.name for file in files if self.intake.place(file.name) is not None]
            except OSError as exc:
                raise self.error("cannot read", str(state), exc) from exc
            if both:
                self.sync(state)
            for name in both:
                log.info("%s: has a file of its own in %s already", name, state)
                self.intake.end(name)
        self.flush()

    def _unpack(self, name: str, target: State, changed: float | None = None) -> bool:
        """Give a message of the intake a file of its own in another state; False: it is not in the intake."""
        try:
            data = self.intake.read(name)
        except OSError as exc:
            raise self.error("cannot read", name, exc) from exc
        if data is None:
            return False
        self.store(name, data, target, changed=changed)
        self.intake.end(name)
        return True

    def sync(self, state: State) -> None:
        """Make renames into `state` durable.

        Threads that come while another one's sync is under way share the next one.

        Raises:
            SpoolError: the disk refuses.
        """
        try:
            self._syncs[state]()
        except OSError as exc:
            raise self.error("cannot sync", str(state), exc) from exc

    def error(self, what: str, name: str, exc: OSError) -> SpoolError:
        """Return an error that names the message, the directory and the system's reason."""
        return SpoolError(f"{what} {name} in {self.root}: {exc.strerror or exc}")
