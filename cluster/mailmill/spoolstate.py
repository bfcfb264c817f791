"""The states of a message in a spool."""

from __future__ import annotations

import enum


class State(enum.StrEnum):
    """The state of a message is the directory that its file is in. Names are Postfix's."""

    INCOMING = "incoming"
    ACTIVE = "active"
    DEFERRED = "deferred"
    CORRUPT = "corrupt"
