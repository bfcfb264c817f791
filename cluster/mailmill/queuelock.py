"""The lock on a queue directory: one queue manager, or one take-over, at a time.

An advisory lock of the kernel (flock): it ends with the process that holds it, however that ends, and leaves
nothing behind that a person must clean up.
"""

from __future__ import annotations

import fcntl
import os
import time
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from mailmill.errors import SpoolError

#: The file in a queue directory that is locked; it holds the process id of its last owner, for people.
LOCK_FILE: Final = "queue-manager.lock"
#: Seconds between tries.
_POLL: Final = 0.1


class QueueInUseError(SpoolError):
    """Another process works on the queue directory."""


class QueueLock:
    """The lock on one queue directory, held from `__enter__` to `__exit__`."""

    def __init__(self, root: Path, patience: float = 0.0) -> None:
        """Lock the directory `root`; wait up to `patience` seconds for a process that is about to end."""
        self._root = root
        self._patience = patience
        self._fd = -1

    def __enter__(self) -> Self:
        """Take the lock.

        Raises:
            QueueInUseError: another process holds it.
            SpoolError: the directory is missing or cannot be written.
        """
        path = self._root / LOCK_FILE
        try:
            fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        except OSError as exc:
            raise SpoolError(f"cannot open {path}: {exc.strerror or exc}") from exc
        try:
            self._lock(fd)
            if os.geteuid() == 0:
                # A queue manager without root must be able to lock what a take-over by root has locked.
                owner = self._root.stat()
                os.fchown(fd, owner.st_uid, owner.st_gid)
            os.ftruncate(fd, 0)
            os.pwrite(fd, f"{os.getpid()}\n".encode("ascii"), 0)
        except OSError as exc:
            os.close(fd)
            raise SpoolError(f"cannot lock {path}: {exc.strerror or exc}") from exc
        except BaseException:
            os.close(fd)
            raise
        self._fd = fd
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.close(self._fd)

    def _lock(self, fd: int) -> None:
        deadline = time.monotonic() + self._patience
        while True:
            try:
                fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() >= deadline:
                    owner = os.pread(fd, 20, 0).decode("ascii", "replace").strip()
                    raise QueueInUseError(
                        f"{self._root} is in use by process {owner or 'unknown'}: one queue manager for each "
                        "queue directory"
                    ) from None
                time.sleep(_POLL)
            else:
                return
