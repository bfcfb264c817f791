"""Names of nodes."""

from __future__ import annotations

import re
import socket

from mailmill.settings import Settings
from mailmill.settings.options.system import EDGE_NAME


def edge_name(settings: Settings) -> str:
    """Return the name of this edge: `Edge Name`, or the host name; safe as part of a Redis key."""
    return _safe(settings[EDGE_NAME] or socket.gethostname())


def worker_name(role: str) -> str:
    """Return the name of this worker in the message log: its role and its host."""
    return f"{role}@{_safe(socket.gethostname())}"


def _safe(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9._-]", "-", name)
