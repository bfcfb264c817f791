"""The sign that an edge is being drained: a file in `Incoming Queue Dir`. It outlives every restart."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from mailmill.errors import SpoolError
from mailmill.syncing import sync_directory

_FLAG: Final = "drain"


def is_draining(root: Path) -> bool:
    """Say whether the queue directory's edge takes no new mail.

    Raises:
        OSError: the directory cannot be looked at.
    """
    try:
        (root / _FLAG).lstat()
    except FileNotFoundError:
        return False
    return True


def begin_drain(root: Path) -> None:
    """Let the edge take no new mail, also after a power failure.

    Raises:
        SpoolError: the directory cannot be written.
    """
    try:
        os.close(os.open(root / _FLAG, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o644))
        sync_directory(root)
    except OSError as exc:
        raise SpoolError(f"cannot create {root / _FLAG}: {exc.strerror or exc}") from exc


def end_drain(root: Path) -> None:
    """Let the edge take mail again; no error when it does already.

    Raises:
        SpoolError: the directory cannot be written.
    """
    try:
        (root / _FLAG).unlink(missing_ok=True)
        sync_directory(root)
    except OSError as exc:
        raise SpoolError(f"cannot remove {root / _FLAG}: {exc.strerror or exc}") from exc
