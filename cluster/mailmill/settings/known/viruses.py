"""Options of MailScanner's about viruses."""

from __future__ import annotations

from typing import Final

from mailmill.settings.known.record import DIFFERENT, NOT_APPLICABLE, NOT_YET, SUPPORTED, Known
from mailmill.settings.option import Rules

OPTIONS: Final = (
    Known("Virus Scanning", SUPPORTED, "yes", rules=Rules.ALL),
    Known("Virus Scanners", DIFFERENT, "auto", "clamd or none. auto and clamav mean clamd."),
    Known(
        "Virus Scanner Definitions",
        NOT_APPLICABLE,
        "%etc-dir%/virus.scanners.conf",
        "Virus scanners are asked over their sockets; there are no wrappers.",
    ),
    Known("Virus Scanner Timeout", DIFFERENT, "300", "For one message, not for a batch."),
    Known(
        "Virus Scan Attempts", DIFFERENT, "3", "See Maximum Processing Attempts and Virus Scanner Failure."
    ),
    Known(
        "Retry Batch On Scanner Failure",
        DIFFERENT,
        "yes",
        "Virus Scanner Failure says what becomes of a message that no scanner answered for.",
        does="yes",
    ),
    Known("Still Deliver Unscannable Messages", DIFFERENT, "no", "See Unscannable Messages.", does="no"),
    Known(
        "Deliver Disinfected Files",
        NOT_APPLICABLE,
        "no",
        "No virus scanner of today disinfects mail.",
        does="no",
        rules=Rules.FIRST,
    ),
    Known(
        "Silent Viruses",
        DIFFERENT,
        "HTML-IFrame All-Viruses",
        "Whom Deliver Cleaned Messages and Notify Senders Of Viruses leave out.",
        rules=Rules.ALL,
    ),
    Known(
        "Still Deliver Silent Viruses",
        NOT_YET,
        "no",
        "Infected messages are kept in the quarantine.",
        does="no",
        rules=Rules.FIRST,
    ),
    Known(
        "Still Scan Silent Viruses",
        NOT_YET,
        "no",
        "Infected messages are not checked for spam.",
        does="no",
        rules=Rules.FIRST,
    ),
    Known(
        "Still Deliver Silent Viruses Unmodified",
        NOT_YET,
        "no",
        "Infected messages are kept in the quarantine.",
        does="no",
        rules=Rules.FIRST,
    ),
    Known("Non-Forging Viruses", SUPPORTED, "Joke/ OF97/ WM97/ W97M/ eicar", rules=Rules.ALL),
    Known(
        "Virus Names Which Are Spam",
        NOT_YET,
        "Sane*UNOFFICIAL HTML/* *Phish*",
        "What clamd finds is a virus; keep signatures of spam out of its database.",
        does="",
    ),
    Known(
        "Spam-Virus Header",
        NOT_YET,
        "X-%org-name%-MailScanner-SpamVirus-Report:",
        "What clamd finds is a virus.",
        rules=Rules.FIRST,
    ),
    Known(
        "Block Encrypted Messages",
        NOT_YET,
        "no",
        "Encrypted mail is scanned like other mail.",
        does="no",
        rules=Rules.ALL,
    ),
    Known(
        "Block Unencrypted Messages", NOT_YET, "no", "Mail need not be encrypted.", does="no", rules=Rules.ALL
    ),
    Known("ClamAV Full Message Scan", DIFFERENT, "yes", "clamd always gets the whole message.", does="yes"),
    Known(
        "Clamd Use Threads",
        NOT_APPLICABLE,
        "yes",
        "clamd scans several messages at once by itself.",
        rules=Rules.ALL,
    ),
    Known("Clamd Port", SUPPORTED, "3310"),
    Known(
        "Clamd Socket",
        SUPPORTED,
        "/var/run/clamd.scan/clamd.sock",
        "Several sockets or addresses may stand there. Of a ruleset the default counts.",
        rules=Rules.ALL,
    ),
    Known(
        "Clamd Lock File",
        NOT_APPLICABLE,
        "",
        "A clamd that does not answer is noticed; see Virus Scanner Failure.",
        rules=Rules.ALL,
    ),
)
