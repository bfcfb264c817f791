"""The quarantine: a directory by date and id, as MailScanner lays it out, the envelope next to the message.

    DIR/YYYYMMDD/ID/message       what was stopped, and DIR/YYYYMMDD/ID/envelope
    DIR/YYYYMMDD/spam/ID          stored spam, and DIR/YYYYMMDD/spam/ID.envelope
    DIR/YYYYMMDD/nonspam/ID       stored mail that is no spam, likewise

The date is that of the message's arrival (UTC), so that storing a message again, after a crash, replaces it.
"""

from __future__ import annotations

import os
import secrets
import shutil
import stat
import time
from pathlib import Path

from msgspec import Struct

from mailmill.envelope import Envelope
from mailmill.errors import MailmillError
from mailmill.records import encode
from mailmill.syncing import sync_directory
from mailmill_workers.mail import Mail
from mailmill_workers.scan.judgement import Folder


class QuarantineError(MailmillError):
    """A message could not be stored; it must not be treated as quarantined."""


class QuarantinedEnvelope(Struct, frozen=True):
    """What is needed to release a message: the content of an `envelope` file (one line of JSON)."""

    id: str
    edge: str
    arrival: float
    queue_id: str
    #: The envelope, with only those recipients for whom the message was stopped.
    envelope: Envelope
    verdict: str
    reasons: tuple[str, ...]
    #: The version of the configuration that decided.
    configuration: str = ""


class Quarantine:
    """`Quarantine Dir`."""

    def __init__(self, root: Path, mode: int, group: str = "") -> None:
        """Keep messages below `root` with `mode` and, when it is not empty, `group`."""
        self._root = root
        self._mode = mode
        self._directory_mode = mode | (mode & 0o444) >> 2 | stat.S_IRWXU
        self._group = group

    def at(self, root: Path) -> Quarantine:
        """Return the quarantine in another directory, with the same mode and group."""
        return Quarantine(root, self._mode, self._group)

    def store(self, mail: Mail, folder: Folder, record: QuarantinedEnvelope) -> Path:
        """Keep a message durably and return where it is.

        Raises:
            QuarantineError: the disk refuses.
        """
        day = time.strftime("%Y%m%d", time.gmtime(mail.header.arrival))
        if folder is Folder.INFECTIONS:
            directory = self._root / day / mail.header.id
            message, envelope = directory / "message", directory / "envelope"
        else:
            directory = self._root / day / folder
            message, envelope = directory / mail.header.id, directory / f"{mail.header.id}.envelope"
        try:
            self._make_directory(directory)
            self._write(envelope, encode(record) + b"\n")
            self._write(message, mail.content)
            sync_directory(directory)
        except (OSError, LookupError) as exc:
            raise QuarantineError(f"{mail.header.id}: cannot be stored in {directory}: {exc}") from exc
        return message

    def _make_directory(self, directory: Path) -> None:
        self._root.mkdir(parents=True, exist_ok=True)
        path = self._root
        for part in directory.relative_to(self._root).parts:
            path /= part
            if not path.is_dir():
                path.mkdir(exist_ok=True)
                path.chmod(self._directory_mode)
                self._give(path)
            # Also when it was there: who has just made it may not have come to this yet.
            sync_directory(path.parent)

    def _write(self, path: Path, data: bytes) -> None:
        temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
        try:
            with temporary.open("xb") as file:
                file.write(data)
                file.flush()
                os.fchmod(file.fileno(), self._mode)
                self._give(temporary)
                os.fsync(file.fileno())
            temporary.rename(path)
        except OSError:
            temporary.unlink(missing_ok=True)
            raise

    def _give(self, path: Path) -> None:
        if self._group:
            shutil.chown(path, group=self._group)
