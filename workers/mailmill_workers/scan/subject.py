"""Whether the subject of a message is tagged for a recipient, and with what."""

from __future__ import annotations

from typing import Final

from mailmill.settings.formail import MailSettings
from mailmill.settings.options.choices import SubjectPlace
from mailmill.settings.options.policy import SPAM_SCORE_CHARACTER
from mailmill.settings.options.subjects import (
    HIGH_SPAM_MODIFY_SUBJECT,
    HIGH_SPAM_SUBJECT_TEXT,
    SCANNED_MODIFY_SUBJECT,
    SCANNED_SUBJECT_TEXT,
    SPAM_MODIFY_SUBJECT,
    SPAM_SUBJECT_TEXT,
)
from mailmill_workers.content.signing import SEALED
from mailmill_workers.mail import Mail
from mailmill_workers.scan.judgement import Tag
from mailmill_workers.scan.mailtext import header_values, printable
from mailmill_workers.scan.spamrules import SpamCheck

#: The longest row of score characters (MailScanner writes no more).
MAX_SCORE_CHARACTERS: Final = 60


def score_characters(settings: MailSettings, spam: SpamCheck) -> str:
    """Return a row of one character per point."""
    return settings[SPAM_SCORE_CHARACTER] * min(max(int(spam.score), 0), MAX_SCORE_CHARACTERS)


def tag_for(settings: MailSettings, mail: Mail, spam: SpamCheck, *, scanned: bool) -> Tag | None:
    """Return what the subject is tagged with for a recipient; None: it stays as it is.

    Args:
        settings: those of the recipient.
        mail: the message.
        spam: whether it is spam.
        scanned: whether it was looked into completely, and nothing was found.
    """
    if spam.high:
        modify, text = HIGH_SPAM_MODIFY_SUBJECT, HIGH_SPAM_SUBJECT_TEXT
    elif spam.spam:
        modify, text = SPAM_MODIFY_SUBJECT, SPAM_SUBJECT_TEXT
    else:
        modify, text = SCANNED_MODIFY_SUBJECT, SCANNED_SUBJECT_TEXT
        if not scanned:
            return None
    place = settings[modify]
    if place is SubjectPlace.NO:
        return None
    if not spam.spam and any(header_values(mail.content, name) for name in SEALED):
        return None
    words = settings[text].replace("_SCORE_", str(int(spam.score)))
    words = printable(" ".join(words.replace("_STARS_", score_characters(settings, spam)).split()))
    return Tag(words, place) if words and not _has(mail, words, place) else None


def _has(mail: Mail, words: str, place: SubjectPlace) -> bool:
    """Return whether the subject has the tag already, for instance from another of the site's machines."""
    subject = next(iter(header_values(mail.content, "Subject")), "").casefold()
    is_there = subject.startswith if place is SubjectPlace.START else subject.endswith
    return is_there(words.casefold())
