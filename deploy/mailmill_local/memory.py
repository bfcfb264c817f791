"""Directories in memory, for what is worth nothing once its program has ended."""

from __future__ import annotations

import hashlib
import os
import shutil
import stat
from pathlib import Path
from typing import Final

from mailmill_local.servers.base import ServerError

#: The tmpfs that every Debian machine has (systemd; POSIX shared memory, shm_overview(7)).
TMPFS: Final = Path("/dev/shm")  # noqa: S108 - see `create`: what somebody else has put there is refused


class MemoryDirectory:
    """A directory below a tmpfs that belongs to one on disk: the same one each time, whoever asks.

    Args:
        owner: The directory on disk that it belongs to.
        tmpfs: Where it is.
    """

    def __init__(self, owner: Path, tmpfs: Path = TMPFS) -> None:
        name = hashlib.sha256(os.fsencode(owner.absolute())).hexdigest()[:16]
        self.path = tmpfs / f"mailmill-{name}"

    def has_room(self, size: int) -> bool:
        """Tell whether `size` bytes fit into the file system that it is in."""
        try:
            found = os.statvfs(self.path.parent)
        except OSError:
            return False
        return found.f_bavail * found.f_frsize >= size

    def create(self) -> Path:
        """Create it, or take up what an earlier run left, and return its path.

        Raises:
            ServerError: there is something at its path that this user has not made: anybody may write there.
        """
        try:
            self.path.mkdir(mode=0o755)
        except FileExistsError:
            found = self.path.lstat()
            if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid():
                raise ServerError(f"{self.path} is not this user's directory: remove it") from None
        except OSError as error:
            raise ServerError(f"{self.path} cannot be created: {error}") from error
        # The umask may have taken away what Postfix's own users need.
        self.path.chmod(0o755)
        return self.path

    def remove(self) -> None:
        """Remove it with all that is in it; one that was never created is removed."""
        shutil.rmtree(self.path, ignore_errors=True)
