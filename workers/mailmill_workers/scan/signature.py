"""Whether a clean message is signed for a recipient, and with which texts."""

from __future__ import annotations

from mailmill.settings.formail import MailSettings
from mailmill.settings.options.policy import MAIL_HEADER
from mailmill.settings.options.reports import (
    DONT_SIGN_HTML_IF,
    INLINE_HTML_SIGNATURE,
    INLINE_TEXT_SIGNATURE,
    SIGN_AGAIN,
    SIGN_CLEAN_MESSAGES,
)
from mailmill_workers.mail import Mail
from mailmill_workers.scan.judgement import Signature
from mailmill_workers.scan.letters import report_file
from mailmill_workers.scan.mailtext import header_values


def signature_for(settings: MailSettings, mail: Mail) -> Signature | None:
    """Return what a clean message is signed with for a recipient; None: with nothing."""
    if not settings[SIGN_CLEAN_MESSAGES]:
        return None
    if not settings[SIGN_AGAIN] and _has(mail, settings[MAIL_HEADER]):
        return None
    plain = any(_has(mail, name) for name in settings[DONT_SIGN_HTML_IF])
    html = None if plain else report_file(settings, INLINE_HTML_SIGNATURE)
    return Signature(report_file(settings, INLINE_TEXT_SIGNATURE), html)


def _has(mail: Mail, name: str) -> bool:
    name = name.removesuffix(":")
    return name.isascii() and bool(header_values(mail.content, name))
