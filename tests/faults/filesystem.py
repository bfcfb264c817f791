"""A small ext4 in a file, on a loop device: it can be full, made read-only, and have an error of its own."""

from __future__ import annotations

import ctypes
import errno
import os
import subprocess
from pathlib import Path
from typing import Final

from mailmill_local.probes import wait_until
from mailmill_local.servers.base import SEARCH_PATH, ServerError, give_to

#: Bytes and inodes.
SIZE: Final = 32 << 20
INODES: Final = 1000
#: Seconds to wait for a moment in which no file is open for writing.
_PATIENCE: Final = 4.0
#: sys/mount.h.
_MS_RDONLY, _MS_REMOUNT, _MS_BIND = 1, 32, 4096
#: Exit status of e2fsck up to which all is well now (e2fsck(8): errors corrected, reboot advised).
_REPAIRED: Final = 3


class FileSystem:
    """One small file system.

    Args:
        image: The file that holds it.
        root: Where it is seen.
        user: Who owns it.
    """

    def __init__(self, image: Path, root: Path, user: str) -> None:
        self._image = image
        self._root = root
        self._user = user

    def create(self) -> None:
        """Make it and mount it.

        Raises:
            ServerError: this system has no loop devices or no ext4, or not for us.
        """
        with self._image.open("wb") as file:
            file.truncate(SIZE)
        _run("mkfs.ext4", "-q", "-b", "4096", "-m", "0", "-J", "size=4", "-N", str(INODES), str(self._image))
        self._root.mkdir(parents=True)
        self.mount()
        (self._root / "lost+found").rmdir()
        give_to(self._root, self._user)
        self._root.chmod(0o700)

    def mount(self) -> None:
        """Mount it as distributions do: an error makes it read-only."""
        _run("mount", "-o", "loop,errors=remount-ro", str(self._image), str(self._root))

    def discard(self) -> None:
        """Unmount it, whoever still has a file of it open."""
        _run("umount", "--lazy", str(self._root))

    def repair(self) -> None:
        """Unmount it, check it and mount it again; nobody has a file of it open."""
        _run("umount", str(self._root))
        _run("e2fsck", "-f", "-y", str(self._image), good=_REPAIRED)
        self.mount()

    def set_read_only(self, *, read_only: bool) -> bool:
        """Make the mount read-only or writable; return whether it could be done.

        The kernel refuses while a file is open for writing: the first moment without one is taken.
        """
        flags = _MS_REMOUNT | _MS_BIND | (_MS_RDONLY if read_only else 0)
        return wait_until(lambda: _remounted(self._root, flags), _PATIENCE, interval=0.0)

    def fail(self) -> None:
        """Let ext4 meet an error: from now on nothing can be written, whatever is open."""
        number = self._root.stat().st_dev
        device = Path(f"/sys/dev/block/{os.major(number)}:{os.minor(number)}").resolve().name
        Path(f"/sys/fs/ext4/{device}/trigger_fs_error").write_text("1")


def _remounted(root: Path, flags: int) -> bool:
    libc = ctypes.CDLL(None, use_errno=True)
    if not libc.mount(None, os.fsencode(root), None, flags, None):
        return True
    number = ctypes.get_errno()
    if number != errno.EBUSY:
        raise OSError(number, os.strerror(number), str(root))
    return False


def _run(*command: str, good: int = 0) -> None:
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PATH": SEARCH_PATH},
    )
    if done.returncode > good:
        raise ServerError(f"no file system on a loop device here: {' '.join(command)}: {done.stderr.strip()}")
