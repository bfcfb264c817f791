"""The lock on a queue directory: one queue manager, or one take-over, at a time.

An advisory lock of the kernel (flock) on the directory itself: it ends with the process that holds it,
however that ends, and needs no room on a disk that is full.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import time
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from mailmill.errors import SpoolError
from mailmill.process import write_pid_file

#: The file in a queue directory that names the last owner's process, for people.
OWNER_FILE: Final = "queue-manager.pid"
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
            SpoolError: the directory is missing or cannot be locked.
        """
        try:
            fd = os.open(self._root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except OSError as exc:
            raise SpoolError(f"cannot open {self._root}: {exc.strerror or exc}") from exc
        try:
            self._lock(fd)
        except OSError as exc:
            os.close(fd)
            raise SpoolError(f"cannot lock {self._root}: {exc.strerror or exc}") from exc
        except BaseException:
            os.close(fd)
            raise
        self._fd = fd
        with contextlib.suppress(OSError):
            write_pid_file(self._root / OWNER_FILE)
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
                    raise QueueInUseError(
                        f"{self._root} is in use by process {self._owner()}: one queue manager for each "
                        "queue directory"
                    ) from None
                time.sleep(_POLL)
            else:
                return

    def _owner(self) -> str:
        try:
            return (self._root / OWNER_FILE).read_text(encoding="ascii", errors="replace").strip()
        except OSError:
            return "(unknown)"
