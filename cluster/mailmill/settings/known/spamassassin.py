"""Options of MailScanner's about SpamAssassin."""

from __future__ import annotations

from typing import Final

from mailmill.settings.known.record import DIFFERENT, NOT_APPLICABLE, NOT_YET, Known
from mailmill.settings.option import Rules

_NO_CUSTOM_SCANNER: Final = "There is no further spam scanner."
_IN_SPAMD: Final = "SpamAssassin runs in spamd, with its own options."

OPTIONS: Final = (
    Known(
        "Use SpamAssassin",
        DIFFERENT,
        "yes",
        "See Spam Scanner: rspamd, spamassassin (spamd) or none.",
        rules=Rules.ALL,
    ),
    Known(
        "Max SpamAssassin Size",
        DIFFERENT,
        "200k",
        "The spam scanner gets whole messages up to Max Spam Check Size, never a piece of one.",
    ),
    Known(
        "Required SpamAssassin Score",
        DIFFERENT,
        "6",
        "The score of rspamd or SpamAssassin; their scales differ.",
        rules=Rules.FIRST,
    ),
    Known(
        "High SpamAssassin Score",
        DIFFERENT,
        "10",
        "The score of rspamd or SpamAssassin; their scales differ.",
        rules=Rules.FIRST,
    ),
    Known("SpamAssassin Timeout", DIFFERENT, "75", "For any spam scanner."),
    Known("SpamAssassin Auto Whitelist", NOT_APPLICABLE, "yes", "An option of SpamAssassin's own files."),
    Known(
        "SpamAssassin Prefs File",
        NOT_APPLICABLE,
        "/etc/MailScanner/spamassassin.conf",
        "spamd reads SpamAssassin's own files. Not documented by MailScanner.",
    ),
    Known(
        "Max SpamAssassin Timeouts",
        NOT_APPLICABLE,
        "10",
        "A scanner without an answer never counts as no spam, see Spam Scanner Failure.",
    ),
    Known(
        "SpamAssassin Timeouts History",
        NOT_APPLICABLE,
        "30",
        "A scanner without an answer never counts as no spam, see Spam Scanner Failure.",
    ),
    Known(
        "Check SpamAssassin If On Spam List",
        NOT_YET,
        "yes",
        "Spam lists are the spam scanner's.",
        does="yes",
        rules=Rules.FIRST,
    ),
    Known(
        "Include Binary Attachments In SpamAssassin",
        DIFFERENT,
        "no",
        "The spam scanner gets the whole message.",
        does="yes",
        rules=Rules.ALL,
    ),
    Known(
        "Cache SpamAssassin Results",
        DIFFERENT,
        "yes",
        "For any spam scanner, and shared by the cluster. The whole message, its client, sender and "
        "recipients have to be the same, not only the text.",
        rules=Rules.FIRST,
    ),
    Known(
        "SpamAssassin Cache Database File",
        NOT_APPLICABLE,
        "/var/spool/MailScanner/incoming/SpamAssassin.cache.db",
        "The cache is in Redis, see Verdict Cache URL.",
    ),
    Known(
        "SpamAssassin Cache Timings",
        DIFFERENT,
        "1800,300,10800,172800,600",
        "The fourth time is for what a virus scanner calls infected. The fifth is not used: Redis forgets by "
        "itself.",
    ),
    Known(
        "Rebuild Bayes Every", NOT_APPLICABLE, "0", "spamd or rspamd look after their statistics.", does="0"
    ),
    Known("Wait During Bayes Rebuild", NOT_APPLICABLE, "no", "spamd or rspamd look after their statistics."),
    Known("Use Custom Spam Scanner", NOT_YET, "no", _NO_CUSTOM_SCANNER, does="no", rules=Rules.FIRST),
    Known("Max Custom Spam Scanner Size", NOT_YET, "20k", _NO_CUSTOM_SCANNER),
    Known("Custom Spam Scanner Timeout", NOT_YET, "20", _NO_CUSTOM_SCANNER),
    Known("Max Custom Spam Scanner Timeouts", NOT_YET, "10", _NO_CUSTOM_SCANNER),
    Known("Custom Spam Scanner Timeout History", NOT_YET, "20", _NO_CUSTOM_SCANNER),
    Known(
        "SpamAssassin Temporary Dir",
        NOT_APPLICABLE,
        "/var/spool/MailScanner/incoming/SpamAssassin-Temp",
        _IN_SPAMD,
    ),
    Known("SpamAssassin User State Dir", NOT_APPLICABLE, "", _IN_SPAMD),
    Known("SpamAssassin Install Prefix", NOT_APPLICABLE, "", _IN_SPAMD),
    Known("SpamAssassin Site Rules Dir", NOT_APPLICABLE, "/etc/mail/spamassassin", _IN_SPAMD),
    Known("SpamAssassin Local Rules Dir", NOT_APPLICABLE, "", _IN_SPAMD),
    Known("SpamAssassin Local State Dir", NOT_APPLICABLE, "", _IN_SPAMD),
    Known("SpamAssassin Default Rules Dir", NOT_APPLICABLE, "", _IN_SPAMD),
)
