"""Events: what happened to a message, where and when."""

from __future__ import annotations

import enum

from msgspec import Struct

from mailmill.messagelog.measured import Measured


class Step(enum.StrEnum):
    """The steps in the life of a message."""

    ACCEPTED = "accepted"
    ENQUEUED = "enqueued"
    SCANNED = "scanned"
    QUARANTINED = "quarantined"
    DELETED = "deleted"
    DELIVERED = "delivered"
    DEFERRED = "deferred"
    REFUSED = "refused"
    BOUNCED = "bounced"
    EXPIRED = "expired"
    CORRUPT = "corrupt"
    #: The edge has removed the message from its spool: everything it caused has ended.
    FINISHED = "finished"


class Event(Struct, frozen=True, omit_defaults=True):
    """One step of one message. What is empty takes no room in Redis."""

    #: Seconds since the epoch.
    time: float
    mail_id: str
    step: Step
    #: The edge or worker that says so.
    node: str
    #: One line for people.
    detail: str = ""
    #: Set in `accepted` events, so that a message can be found by them.
    queue_id: str = ""
    message_id: str = ""
    #: Set by a scan, for the metrics; the database does not keep it.
    measured: Measured | None = None
