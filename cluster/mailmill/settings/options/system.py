"""Options of the system: names, users, directories, debugging."""

from __future__ import annotations

from typing import Final

from mailmill.settings.kinds import MODE, PATH, TEXT, YES_NO, Kind, one_of
from mailmill.settings.option import Effect, Option, Origin, Rules
from mailmill.settings.options.choices import ConfigurationSource

#: The other MTAs that MailScanner knows; a file of such an installation is taken over.
_OTHER_MTAS: Final = frozenset({"sendmail", "postfix", "exim", "qmail", "zmailer"})


def other_mta(text: str) -> bool:
    """Say whether a value of `MTA` is an MTA whose queue MailScanner would read."""
    return text.strip().lower() in _OTHER_MTAS


def _mta(text: str) -> str:
    if text.strip().lower() not in {"msmail", "msmtp"} and not other_mta(text):
        raise ValueError(f"must be msmail, not {text.strip()!r}")
    return "msmail"


def _mta_advice(text: str) -> str:
    if other_mta(text):
        return "is taken for msmail: Mailmill takes mail through its milter and reads no queue of an MTA"
    return "is spelled msmail (msmtp is another program)" if text.strip().lower() == "msmtp" else ""


CONFIGURATION_SOURCE: Final = Option(
    "Configuration Source",
    one_of(ConfigurationSource),
    default="files",
    origin=Origin.MAILMILL,
    effect=Effect.NODE,
    description="Where this node has its configuration from: files (its own MailScanner.conf), or published "
    "(what was published for the cluster with mailmill conf publish). With published, the node's own file "
    "counts only for options that need a restart.",
)
CONFIGURATION_DIR: Final = Option(
    "Configuration Dir",
    PATH,
    default="/var/spool/MailScanner/configuration",
    origin=Origin.MAILMILL,
    effect=Effect.NODE,
    description="Where a node keeps its copy of the published configuration: with it, it starts while Redis "
    "has none. On a disk of its own host; the processes of one host share it.",
)
MTA: Final = Option(
    "MTA",
    Kind("msmail", _mta, _mta_advice),
    default="msmail",
    description="How mail comes in: always msmail, MailScanner's name for milter mode.",
)
RUN_AS_USER: Final = Option(
    "Run As User",
    TEXT,
    default="",
    effect=Effect.START,
    description="The user that the processes run as. Empty: the one that starts them. Groups are dropped "
    "before the user id.",
)
RUN_AS_GROUP: Final = Option(
    "Run As Group",
    TEXT,
    default="",
    effect=Effect.START,
    description="The group that the processes run as. Empty: the primary group of Run As User.",
)
INCOMING_QUEUE_DIR: Final = Option(
    "Incoming Queue Dir",
    PATH,
    default="/var/spool/MailScanner/milterin",
    effect=Effect.START,
    description="Where an edge keeps the mail that it has accepted and that is still to be scanned.",
)
OUTGOING_QUEUE_DIR: Final = Option(
    "Outgoing Queue Dir",
    PATH,
    default="/var/spool/MailScanner/milterout",
    effect=Effect.START,
    description="Where an edge keeps scanned mail that could not be delivered yet, in its final form.",
)
QUEUE_DIR_MODE: Final = Option(
    "Queue Dir Permissions",
    MODE,
    default="0700",
    origin=Origin.MAILMILL,
    effect=Effect.START,
    description="The mode of the queue directories that a process creates.",
)
QUARANTINE_DIR: Final = Option(
    "Quarantine Dir",
    PATH,
    default="/var/spool/MailScanner/quarantine",
    rules=Rules.FIRST,
    description="Where quarantined mail is kept: DIR/YYYYMMDD/ID. Mail that could not be delivered is kept "
    "where the default of a ruleset says.",
)
QUARANTINE_PERMISSIONS: Final = Option(
    "Quarantine Permissions",
    MODE,
    default="0600",
    description="The mode of files in the quarantine; directories get x where this has r.",
)
QUARANTINE_GROUP: Final = Option(
    "Quarantine Group",
    TEXT,
    default="",
    description="The group of files in the quarantine. Empty: the group of the process.",
)
DEBUG: Final = Option(
    "Debug",
    YES_NO,
    default="no",
    description="Write a detailed log of every part: each milter callback, each reply of a relay, each "
    "engine's answer.",
)
EDGE_NAME: Final = Option(
    "Edge Name",
    TEXT,
    default="",
    origin=Origin.MAILMILL,
    effect=Effect.NODE,
    description="The name of this edge in the cluster; outcomes for its mail are addressed to it, so it must "
    "stay the same while its spool holds mail. Empty: the host name.",
)
