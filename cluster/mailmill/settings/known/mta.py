"""Options of MailScanner's about delivery and the MTA."""

from __future__ import annotations

from typing import Final

from mailmill.settings.known.record import NOT_APPLICABLE, SUPPORTED, Known
from mailmill.settings.option import Rules

OPTIONS: Final = (
    Known("MSMail Queue Type", SUPPORTED, "short"),
    Known("MSMail Delivery Method", SUPPORTED, "SMTP"),
    Known("MSMail Socket Type", SUPPORTED, "unix"),
    Known("MSMail Socket Dir", SUPPORTED, "/var/spool/postfix/public/qmqp"),
    Known("MSMail Relay Port", SUPPORTED, "25"),
    Known(
        "MSMail Relay Address",
        SUPPORTED,
        "127.0.0.1",
        "Several addresses may stand there, each with its own port.",
    ),
    Known(
        "Sendmail",
        NOT_APPLICABLE,
        "/usr/lib/sendmail",
        "Mail goes to the relay over QMQP or SMTP, not through a command.",
        rules=Rules.FIRST,
    ),
    Known(
        "Sendmail2",
        NOT_APPLICABLE,
        "/usr/lib/sendmail",
        "Mail goes to the relay over QMQP or SMTP, not through a command.",
        rules=Rules.FIRST,
    ),
    Known("Exim Command", NOT_APPLICABLE, "", "For Exim only; mail comes in through the milter."),
    Known("Split Exim Spool", NOT_APPLICABLE, "no", "For Exim only; mail comes in through the milter."),
    Known(
        "Qmail Hash Directory Number",
        NOT_APPLICABLE,
        "23",
        "For qmail only; mail comes in through the milter.",
    ),
    Known("Qmail Intd Hash Number", NOT_APPLICABLE, "1", "For qmail only; mail comes in through the milter."),
    Known(
        "Deliver In Background",
        NOT_APPLICABLE,
        "yes",
        "Scanning never waits for a delivery: the deliver workers do that.",
    ),
    Known(
        "Delivery Method",
        NOT_APPLICABLE,
        "batch",
        "Each message is submitted at once, see Delivery Concurrency.",
        rules=Rules.FIRST,
    ),
)
