"""Options of MailScanner's about the system: processes, users, directories."""

from __future__ import annotations

from typing import Final

from mailmill.settings.known.record import DIFFERENT, NOT_APPLICABLE, SUPPORTED, Known
from mailmill.settings.option import Rules

_NO_WORK_DIR: Final = "There is no work directory."

OPTIONS: Final = (
    Known(
        "Max Children",
        NOT_APPLICABLE,
        "5",
        "Celery starts the scan processes: mailmill worker --concurrency, on as many machines as wanted.",
    ),
    Known("Run As User", SUPPORTED, ""),
    Known("Run As Group", SUPPORTED, ""),
    Known(
        "Queue Scan Interval",
        NOT_APPLICABLE,
        "6",
        "No queue is polled: the edge hears of a message when it is complete.",
    ),
    Known(
        "Incoming Queue Dir",
        DIFFERENT,
        "/var/spool/mqueue.in",
        "One directory, no list, no wildcards. Ignored with a warning while MTA names another MTA.",
    ),
    Known(
        "Outgoing Queue Dir",
        DIFFERENT,
        "/var/spool/mqueue",
        "Holds only what the relay did not take yet. Ignored with a warning while MTA names another MTA. "
        "One for each edge: of a ruleset the default counts.",
        rules=Rules.FIRST,
    ),
    Known(
        "Incoming Work Dir",
        NOT_APPLICABLE,
        "/var/spool/MailScanner/incoming",
        "Mail is scanned in memory; nothing is unpacked into a directory.",
    ),
    Known("Quarantine Dir", SUPPORTED, "/var/spool/MailScanner/quarantine", rules=Rules.FIRST),
    Known(
        "PID file",
        NOT_APPLICABLE,
        "/var/run/MailScanner.pid",
        "Every daemon runs in the foreground under systemd or in a container, which know its process.",
    ),
    Known(
        "Restart Every",
        NOT_APPLICABLE,
        "7200",
        "Scan processes are renewed by Celery, see Scan Memory Limit.",
    ),
    Known(
        "MTA",
        DIFFERENT,
        "sendmail",
        "Always msmail. Other MTAs are taken for it, with a warning: no queue of theirs is read.",
    ),
    Known("Incoming Work User", NOT_APPLICABLE, "", _NO_WORK_DIR),
    Known("Incoming Work Group", NOT_APPLICABLE, "mtagroup", _NO_WORK_DIR),
    Known("Incoming Work Permissions", NOT_APPLICABLE, "0660", _NO_WORK_DIR),
    Known(
        "Lockfile Dir",
        NOT_APPLICABLE,
        "/var/spool/MailScanner/incoming/Locks",
        "Virus scanners are asked over their sockets; nothing is locked.",
    ),
    Known("Lock Type", NOT_APPLICABLE, "", "No queue of an MTA is read, so that none has to be locked."),
    Known("Run In Foreground", NOT_APPLICABLE, "no", "Daemons always stay in the foreground."),
    Known(
        "Automatic Syntax Check",
        DIFFERENT,
        "yes",
        "The configuration is always checked before it is used; mailmill check does it by hand.",
        does="yes",
    ),
    Known(
        "Minimum Code Status",
        NOT_APPLICABLE,
        "supported",
        "Only clamd, rspamd and spamd are spoken to; there are no wrappers of different quality.",
    ),
    Known(
        "MailScanner Version Number",
        NOT_APPLICABLE,
        "VersionNumberHere",
        "Mailmill has its own: mailmill version.",
    ),
    Known("Debug", SUPPORTED, "no"),
    Known(
        "Debug SpamAssassin", NOT_APPLICABLE, "no", "SpamAssassin runs in spamd, which has its own option -D."
    ),
)
