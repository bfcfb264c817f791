"""Options of MailScanner's about SQL and LDAP."""

from __future__ import annotations

from typing import Final

from mailmill.settings.known.record import NOT_APPLICABLE, NOT_YET, Known

_FROM_FILES: Final = "The configuration is read from files."
_FROM_FILES_TOO: Final = "The configuration is read from files. Not documented by MailScanner."

OPTIONS: Final = (
    Known(
        "DB DSN",
        NOT_YET,
        "",
        "The configuration is read from files. The message log has its own: Message Log URL.",
        does="",
    ),
    Known("DB Username", NOT_YET, "", _FROM_FILES, does=""),
    Known("DB Password", NOT_YET, "", _FROM_FILES, does=""),
    Known("SQL Serial Number", NOT_YET, "", _FROM_FILES, does=""),
    Known("SQL Quick Peek", NOT_YET, "", _FROM_FILES, does=""),
    Known("SQL Config", NOT_YET, "", _FROM_FILES, does=""),
    Known("SQL Ruleset", NOT_YET, "", "Rulesets are read from files.", does=""),
    Known("SQL SpamAssassin Config", NOT_APPLICABLE, "", "SpamAssassin runs in spamd, with its own options."),
    Known("SQL Debug", NOT_YET, "no", _FROM_FILES, does="no"),
    Known("LDAP Base", NOT_YET, "", _FROM_FILES_TOO, does=""),
    Known("LDAP Server", NOT_YET, "", _FROM_FILES_TOO, does=""),
    Known("LDAP Site", NOT_YET, "", _FROM_FILES_TOO, does=""),
)
