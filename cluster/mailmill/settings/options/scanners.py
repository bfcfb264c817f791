"""Options of the virus and spam scanners."""

from __future__ import annotations

from typing import Final

from mailmill.plugins import ENGINES, find_plugin, plugin_names
from mailmill.settings.kinds import DURATION, REAL, TEXT, WORDS, YES_NO, Kind, one_of, whole_number
from mailmill.settings.option import Option, Origin, Rules
from mailmill.settings.options.choices import FailurePolicy, SpamScanner

#: Words of MailScanner's that mean the ClamAV of this cluster.
_CLAMD: Final = {"auto": "clamd", "clamav": "clamd", "clamd": "clamd", "none": "none"}


def _virus_scanners(text: str) -> tuple[str, ...]:
    words = WORDS.parse(text.lower())
    if others := set(words) - _CLAMD.keys():
        others -= plugin_names(ENGINES)
    if unknown := [word for word in words if word in others]:
        raise ValueError(f"must be clamd or none, or a plug-in that is installed, not {unknown[0]!r}")
    return tuple(dict.fromkeys(_CLAMD.get(word, word) for word in words))


def _virus_scanners_advice(text: str) -> str:
    other = [word for word in WORDS.parse(text.lower()) if _CLAMD.get(word, word) != word]
    return f"{other[0]} means clamd here" if other else ""


def _spam_scanner(text: str) -> str:
    word = text.strip().lower()
    if word not in set(SpamScanner) and find_plugin(ENGINES, word) is None:
        choices = " or ".join(SpamScanner)
        raise ValueError(f"must be {choices}, or a plug-in that is installed, not {text.strip()!r}")
    return word


VIRUS_SCANNING: Final = Option(
    "Virus Scanning",
    YES_NO,
    default="yes",
    rules=Rules.ALL,
    join=any,
    description="Scan mail for viruses. A message is scanned when any of its recipients wants it.",
)
VIRUS_SCANNERS: Final = Option(
    "Virus Scanners",
    Kind("clamd or none, or names of plug-ins", _virus_scanners, _virus_scanners_advice),
    default="clamd",
    description="The virus scanners to use: clamd, plug-ins (mailmill.engines), or none.",
)
CLAMD_SOCKET: Final = Option(
    "Clamd Socket",
    WORDS,
    default="/var/run/clamav/clamd.ctl",
    description="Where clamd listens: the path of its unix socket, or an address. Several are tried in turn.",
)
CLAMD_PORT: Final = Option(
    "Clamd Port",
    whole_number(1, 65_535),
    default="3310",
    description="The TCP port of clamd, where Clamd Socket is an address without one.",
)
VIRUS_SCANNER_TIMEOUT: Final = Option(
    "Virus Scanner Timeout",
    DURATION,
    default="60",
    unit="seconds",
    description="How long a virus scanner may take for one message.",
)
VIRUS_SCANNER_FAILURE: Final = Option(
    "Virus Scanner Failure",
    one_of(FailurePolicy),
    default="defer",
    origin=Origin.MAILMILL,
    description="What becomes of a message that a virus scanner gives no answer for: defer (try again "
    "later), pass (with a header that says so), or quarantine.",
)
UNSCANNABLE: Final = Option(
    "Unscannable Messages",
    one_of(FailurePolicy),
    default="quarantine",
    origin=Origin.MAILMILL,
    description="What becomes of a message that a virus scanner cannot look into (size limits): pass (with a "
    "header that says so), quarantine, or defer.",
)
SPAM_CHECKS: Final = Option(
    "Spam Checks",
    YES_NO,
    default="yes",
    rules=Rules.FIRST,
    description="Check mail for spam.",
)
SPAM_SCANNER: Final = Option(
    "Spam Scanner",
    Kind("rspamd or spamassassin or none, or the name of a plug-in", _spam_scanner),
    default="rspamd",
    origin=Origin.MAILMILL,
    description="The spam scanner: rspamd, spamassassin (spamd), a plug-in (mailmill.engines), or none.",
)
RSPAMD_URL: Final = Option(
    "Rspamd URL",
    WORDS,
    default="http://127.0.0.1:11333",
    origin=Origin.MAILMILL,
    description="Where rspamd's normal worker answers. Several are tried in turn.",
)
RSPAMD_PASSWORD: Final = Option(
    "Rspamd Password",
    TEXT,
    default="",
    origin=Origin.MAILMILL,
    description="The password that rspamd wants, when it wants one.",
)
SPAMD_SOCKET: Final = Option(
    "Spamd Socket",
    WORDS,
    default="127.0.0.1:783",
    origin=Origin.MAILMILL,
    description="Where spamd listens: the path of its unix socket, or an address with a port. Several are "
    "tried in turn.",
)
SPAM_SCANNER_TIMEOUT: Final = Option(
    "SpamAssassin Timeout",
    DURATION,
    default="75",
    unit="seconds",
    description="How long the spam scanner may take for one message.",
)
SPAM_SCANNER_FAILURE: Final = Option(
    "Spam Scanner Failure",
    one_of(FailurePolicy),
    default="defer",
    origin=Origin.MAILMILL,
    description="What becomes of a message that the spam scanner gives no answer for: defer (try again "
    "later), pass (with a header that says so), or quarantine.",
)
MAX_SPAM_CHECK_SIZE: Final = Option(
    "Max Spam Check Size",
    whole_number(1),
    default="200k",
    unit="bytes",
    rules=Rules.FIRST,
    description="Larger messages are not checked for spam.",
)
REQUIRED_SCORE: Final = Option(
    "Required SpamAssassin Score",
    REAL,
    default="6",
    unit="points",
    rules=Rules.FIRST,
    description="A message with this score or more is spam.",
)
HIGH_SCORE: Final = Option(
    "High SpamAssassin Score",
    REAL,
    default="10",
    unit="points",
    rules=Rules.FIRST,
    description="A message with this score or more is high scoring spam.",
)
