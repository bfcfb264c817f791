"""Options of the milter."""

from __future__ import annotations

from typing import Final

from mailmill.settings.kinds import (
    DURATION,
    LISTENING_ADDRESS,
    MODE,
    PATH,
    TEXT,
    YES_NO,
    one_of,
    whole_number,
)
from mailmill.settings.option import Effect, Option, Origin
from mailmill.settings.options.choices import MilterLibrary, QueueType

MILTER_BIND: Final = Option(
    "Milter Bind",
    LISTENING_ADDRESS,
    default="127.0.0.1",
    effect=Effect.START,
    description="Where the milter listens: an IPv4 address, an IPv6 address, or the path of a unix socket "
    "(beginning with /). Where Postfix and the milter share a host, a unix socket keeps others out.",
)
MILTER_PORT: Final = Option(
    "Milter Port",
    whole_number(1, 65_535),
    default="33333",
    effect=Effect.START,
    description="The TCP port of the milter; not used with a unix socket.",
)
MILTER_SOCKET_MODE: Final = Option(
    "Milter Socket Permissions",
    MODE,
    default="0660",
    origin=Origin.MAILMILL,
    effect=Effect.START,
    description="The mode of the milter's unix socket; Postfix's smtpd needs read and write.",
)
MILTER_SOCKET_GROUP: Final = Option(
    "Milter Socket Group",
    TEXT,
    default="",
    origin=Origin.MAILMILL,
    effect=Effect.START,
    description="The group of the milter's unix socket. Empty: the group of the process.",
)
MILTER_PID_FILE: Final = Option(
    "Milter PID File",
    PATH,
    default="/var/run/MSMilter.pid",
    effect=Effect.START,
    description="Where the milter's parent process writes its process id.",
)
MILTER_MAX_CHILDREN: Final = Option(
    "Milter Max Children",
    whole_number(1, 1000),
    default="10",
    effect=Effect.START,
    description="How many milter processes share the listening socket. Each serves many connections: with "
    "Milter Library = builtin, one for two cores is enough.",
)
MILTER_LIBRARY: Final = Option(
    "Milter Library",
    one_of(MilterLibrary),
    default="builtin",
    origin=Origin.MAILMILL,
    effect=Effect.START,
    description="What speaks the milter protocol with Postfix: builtin, an event loop in each process, or "
    "libmilter, Sendmail's library with a thread for each connection, which takes two to three times as much "
    "processor for a message.",
)
MILTER_SCANNER: Final = Option(
    "Milter Scanner",
    YES_NO,
    default="yes",
    description="Refuse mail from or to those in Is Definitely Spam during the SMTP session (554 5.7.1).",
)
MILTER_IGNORE_LOOPBACK: Final = Option(
    "Milter Ignore Loopback",
    YES_NO,
    default="yes",
    description="Accept mail of loopback clients without scanning it. Needed when the results are delivered "
    "over SMTP to the same Postfix; switch it off to scan mail that is submitted on this host.",
)
MSMAIL_QUEUE_TYPE: Final = Option(
    "MSMail Queue Type",
    one_of(QueueType),
    default="short",
    description="The style of the queue ids that the milter makes when Postfix announces none.",
)
MILTER_MIN_FREE: Final = Option(
    "Milter Min Free Space",
    whole_number(0),
    default="50m",
    unit="bytes",
    origin=Origin.MAILMILL,
    description="Answer TMPFAIL while the file system of Incoming Queue Dir or Outgoing Queue Dir has less "
    "free space than this and the size of the message (Postfix: queue_minfree). This and the following "
    "limits must be left by a tenth before mail is taken again.",
)
MILTER_MIN_INODES: Final = Option(
    "Milter Min Free Inodes",
    whole_number(0),
    default="1000",
    unit="inodes",
    origin=Origin.MAILMILL,
    description="Answer TMPFAIL while the file system of Incoming Queue Dir or Outgoing Queue Dir has fewer "
    "free inodes than this. The default is that of Max Messages In Flight: each of them may need a place in "
    "Outgoing Queue Dir when the relay goes down.",
)
MILTER_MAX_SPOOL_MESSAGES: Final = Option(
    "Milter Max Spool Messages",
    whole_number(0),
    default="0",
    unit="messages",
    origin=Origin.MAILMILL,
    description="Answer TMPFAIL while this many messages wait in Incoming Queue Dir and Outgoing Queue Dir. "
    "0: no limit, as in Postfix.",
)
MILTER_MAX_SPOOL_BYTES: Final = Option(
    "Milter Max Spool Bytes",
    whole_number(0),
    default="0",
    unit="bytes",
    origin=Origin.MAILMILL,
    description="Answer TMPFAIL while messages of this size in all wait in Incoming Queue Dir and Outgoing "
    "Queue Dir. 0: no limit besides Milter Min Free Space.",
)
MILTER_MAX_SPOOL_AGE: Final = Option(
    "Milter Max Spool Age",
    DURATION,
    default="4h",
    unit="seconds",
    origin=Origin.MAILMILL,
    description="Answer TMPFAIL while a message that could be scanned or delivered has waited for so long: "
    "the workers do not keep up, and another server may. Deferred messages do not count. 0: no limit. The "
    "default is the time after which a sender commonly hears of a delay (sendmail: Timeout.queuewarn).",
)
