"""A node's copy of the published configuration in force: with it, it starts while Redis has none.

A copy is a configuration that this node could use. It holds passwords where the configuration does.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct

from mailmill.configuration.publication import Publication
from mailmill.errors import RecordError
from mailmill.settings.files import Stamp

_NAME: Final = "published"


class Copy(Struct, frozen=True):
    """What the file holds."""

    publication: Publication
    #: See `mailmill.configuration.bundle`.
    packed: bytes


class LocalCopy:
    """The copy below `Configuration Dir`. All processes of a node share it."""

    def __init__(self, directory: Path) -> None:
        """Use a directory."""
        self.path = directory / _NAME

    def read(self) -> Copy | None:
        """Return the copy; None: there is none.

        Raises:
            OSError: it cannot be read.
            RecordError: it is damaged.
        """
        try:
            return msgspec.msgpack.decode(self.path.read_bytes(), type=Copy)
        except FileNotFoundError:
            return None
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as exc:
            raise RecordError(f"{self.path}: not a copy of a configuration: {exc}") from exc

    def write(self, copy: Copy) -> None:
        """Replace the copy by this one, or leave a newer one.

        It is for nobody but the owner of the directory, whom the node's processes run as.

        Raises:
            OSError: it cannot be written.
        """
        try:
            there = self.read()
        except RecordError:
            there = None
        if there is not None and there.publication.number >= copy.publication.number:
            return
        fd, name = tempfile.mkstemp(prefix=f".{_NAME}.", dir=self.path.parent)
        try:
            with os.fdopen(fd, "wb") as file:
                file.write(msgspec.msgpack.encode(copy))
                file.flush()
                if os.geteuid() == 0:
                    owner = self.path.parent.stat()
                    os.fchown(fd, owner.st_uid, owner.st_gid)
                os.fsync(fd)
            Path(name).replace(self.path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise

    def stamp(self) -> Stamp | None:
        """Return what tells this copy from another one without reading it; None: there is none.

        Raises:
            OSError: it cannot be told.
        """
        try:
            return Stamp.of(self.path.stat())
        except FileNotFoundError:
            return None
