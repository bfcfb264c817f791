"""Options of MailScanner's about dangerous content and phishing."""

from __future__ import annotations

from typing import Final

from mailmill.settings.known.record import NOT_APPLICABLE, NOT_YET, Known
from mailmill.settings.option import Rules

_HTML_STAYS: Final = "HTML is delivered as it is."
_PHISHING_LISTS: Final = "rspamd and clamd look for phishing, with their own lists."

OPTIONS: Final = (
    Known(
        "Dangerous Content Scanning",
        NOT_YET,
        "yes",
        "HTML is left to the spam scanner and to clamd.",
        does="no",
        rules=Rules.ALL,
    ),
    Known(
        "Allow Partial Messages",
        NOT_YET,
        "no",
        "Parts of a split message are delivered.",
        does="yes",
        rules=Rules.FIRST,
    ),
    Known(
        "Allow External Message Bodies",
        NOT_YET,
        "no",
        "References to outside bodies are delivered.",
        does="yes",
        rules=Rules.FIRST,
    ),
    Known(
        "Find Phishing Fraud",
        NOT_YET,
        "yes",
        "rspamd and clamd (PhishingSignatures) look for phishing.",
        does="no",
        rules=Rules.ALL,
    ),
    Known(
        "Also Find Numeric Phishing",
        NOT_YET,
        "yes",
        "rspamd and clamd look for phishing.",
        does="no",
        rules=Rules.ALL,
    ),
    Known(
        "Use Stricter Phishing Net",
        NOT_YET,
        "yes",
        "rspamd and clamd look for phishing.",
        does="no",
        rules=Rules.ALL,
    ),
    Known("Highlight Phishing Fraud", NOT_YET, "yes", _HTML_STAYS, does="no", rules=Rules.ALL),
    Known("Highlight Hidden URLs", NOT_YET, "no", _HTML_STAYS, does="no", rules=Rules.ALL),
    Known("Highlight Mailto Phishing", NOT_YET, "yes", _HTML_STAYS, does="no", rules=Rules.ALL),
    Known("Phishing Safe Sites File", NOT_YET, "%etc-dir%/phishing.safe.sites.conf", _PHISHING_LISTS),
    Known("Phishing Bad Sites File", NOT_YET, "%etc-dir%/phishing.bad.sites.conf", _PHISHING_LISTS),
    Known("Country Sub-Domains List", NOT_YET, "%etc-dir%/country.domains.conf", _PHISHING_LISTS),
    Known("Allow IFrame Tags", NOT_YET, "disarm", _HTML_STAYS, does="yes", rules=Rules.ALL),
    Known("Allow Form Tags", NOT_YET, "disarm", _HTML_STAYS, does="yes", rules=Rules.ALL),
    Known("Allow Script Tags", NOT_YET, "disarm", _HTML_STAYS, does="yes", rules=Rules.ALL),
    Known("Allow WebBugs", NOT_YET, "disarm", _HTML_STAYS, does="yes", rules=Rules.ALL),
    Known(
        "Ignored Web Bug Filenames",
        NOT_YET,
        "spacer pixel.gif pixel.png gap shim",
        _HTML_STAYS,
        rules=Rules.ALL,
    ),
    Known("Known Web Bug Servers", NOT_YET, "msgtag.com", _HTML_STAYS, does="", rules=Rules.ALL),
    Known(
        "Web Bug Replacement",
        NOT_YET,
        "data:image/gif;base64,R0lGODlhAQABAJEAAP///wAAAAAAAAAAACH5BAkAAAAALAAAAAABAAEAAAgEAAEEBAA7",
        _HTML_STAYS,
        rules=Rules.FIRST,
    ),
    Known("Allow Object Codebase Tags", NOT_YET, "disarm", _HTML_STAYS, does="yes", rules=Rules.ALL),
    Known("Convert Dangerous HTML To Text", NOT_YET, "no", _HTML_STAYS, does="no", rules=Rules.FIRST),
    Known("Convert HTML To Text", NOT_YET, "no", _HTML_STAYS, does="no", rules=Rules.ALL),
    Known(
        "Ignore Denial Of Service",
        NOT_APPLICABLE,
        "no",
        "HTML is not rewritten, so that nothing can be attacked there.",
        rules=Rules.ALL,
    ),
    Known(
        "Ignore QP Denial Of Service Failure",
        NOT_APPLICABLE,
        "no",
        "Quoted-printable text is decoded in linear time.",
        rules=Rules.ALL,
    ),
)
