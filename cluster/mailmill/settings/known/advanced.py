"""Options of MailScanner's about advanced settings."""

from __future__ import annotations

from typing import Final

from mailmill.settings.known.record import NOT_APPLICABLE, NOT_YET, Known
from mailmill.settings.option import Rules

OPTIONS: Final = (
    Known(
        "Use Default Rules With Multiple Recipients",
        NOT_APPLICABLE,
        "no",
        "Rules are evaluated for each recipient, so that several cannot contradict each other.",
        does="no",
    ),
    Known(
        "Read IP Address From Received Header",
        NOT_YET,
        "no",
        "Rules see the client of the SMTP session; trust XCLIENT or XFORWARD in Postfix instead.",
        does="no",
    ),
    Known(
        "Always Looked Up Last",
        NOT_YET,
        "no",
        "Custom functions are not called; the message log has the verdict of every message.",
        does="no",
        rules=Rules.FIRST,
    ),
    Known(
        "Always Looked Up Last After Batch",
        NOT_YET,
        "no",
        "Custom functions are not called; the message log has the verdict of every message.",
        does="no",
        rules=Rules.FIRST,
    ),
    Known(
        "Custom Functions Dir",
        NOT_YET,
        "/usr/share/MailScanner/perl/custom",
        "Custom functions in Perl cannot be called.",
    ),
)
