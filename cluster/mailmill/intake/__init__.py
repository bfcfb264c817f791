"""The intake: small messages that an edge has accepted, many in one file (ADR 16).

A file and two syncs for each message are what an edge is bound by. So each process of the milter appends its
messages to a file of its own, a segment, and those that end at the same moment share one sync. The queue
manager works on them where they are. In a file of its own a message is only when it must wait for long.

    intake/log/SEGMENT       the messages, each framed (`records`)
    intake/arrived/SEGMENT   a line for each that was acknowledged: how the queue manager learns of it at once
    intake/ended/SEGMENT     a line for each that has reached its end

A segment is removed when all of its messages have ended and nobody writes to it any more.
"""

from mailmill.intake.intake import Intake
from mailmill.intake.writer import Arrival, IntakeWriter

__all__ = ["Arrival", "Intake", "IntakeWriter"]
