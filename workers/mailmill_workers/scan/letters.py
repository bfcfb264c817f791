"""Who is told of a message, and by which report: the sender of what was stopped, both sides of spam."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

from mailmill.findings import Forbidden
from mailmill.reports.files import ReportFile
from mailmill.settings import Option
from mailmill.settings.formail import MailSettings
from mailmill.settings.options.reports import (
    BOUNCE_SPAM_AS_ATTACHMENT,
    DELIVER_CLEANED_MESSAGES,
    ENABLE_SPAM_BOUNCE,
    NEVER_NOTIFY_PRECEDENCE,
    NON_FORGING_VIRUSES,
    NOTIFY_SENDERS,
    NOTIFY_SENDERS_OF_FILENAMES,
    NOTIFY_SENDERS_OF_OTHER,
    NOTIFY_SENDERS_OF_VIRUSES,
    RECIPIENT_SPAM_REPORT,
    SENDER_ERROR_REPORT,
    SENDER_FILENAME_REPORT,
    SENDER_SPAM_REPORT,
    SENDER_SPAMASSASSIN_REPORT,
    SENDER_VIRUS_REPORT,
    SILENT_VIRUSES,
    STORED_CONTENT_MESSAGE,
    STORED_FILENAME_MESSAGE,
    STORED_VIRUS_MESSAGE,
)
from mailmill_workers.mail import Mail
from mailmill_workers.scan.judgement import Letter, Verdict
from mailmill_workers.scan.mailtext import header_values
from mailmill_workers.scan.spamrules import SpamCheck

#: MailScanner's word for all viruses, in lower case.
_ALL_VIRUSES: Final = "all-viruses"
#: What is told, and whether it is: by what the message is.
_STOPPED: Final = {
    Verdict.INFECTED: (NOTIFY_SENDERS_OF_VIRUSES, SENDER_VIRUS_REPORT),
    Verdict.FORBIDDEN: (NOTIFY_SENDERS_OF_FILENAMES, SENDER_FILENAME_REPORT),
    Verdict.UNSCANNABLE: (NOTIFY_SENDERS_OF_OTHER, SENDER_ERROR_REPORT),
}
#: What is delivered in place of a message, by what the message is.
_REPLACEMENTS: Final = {
    Verdict.INFECTED: STORED_VIRUS_MESSAGE,
    Verdict.FORBIDDEN: STORED_FILENAME_MESSAGE,
    Verdict.UNSCANNABLE: STORED_CONTENT_MESSAGE,
}


@dataclass(frozen=True)
class Finding:
    """Why a message was stopped, for people."""

    texts: tuple[str, ...]
    #: The names of the parts in which it was found; none when that is not known.
    filenames: tuple[str, ...] = ()

    @classmethod
    def of(cls, forbidden: tuple[Forbidden, ...], unnamed: str) -> Self:
        """Return what to say of forbidden parts; one without a name is called `unnamed`."""
        names = [part.filename or unnamed for part in forbidden]
        texts = [
            f"{name}: {part.user_text or part.log_text}" for name, part in zip(names, forbidden, strict=True)
        ]
        return cls(tuple(texts), tuple(dict.fromkeys(names)))


def stopped_letter(settings: MailSettings, mail: Mail, verdict: Verdict, why: Finding) -> Letter | None:
    """Return what the sender of a message that was stopped is told; None: nothing."""
    options = _STOPPED.get(verdict)
    if options is None or not settings[NOTIFY_SENDERS]:
        return None
    wanted, report = options
    if not settings[wanted] or _is_silent(settings, verdict, why) or not _may_be_told(settings, mail):
        return None
    return _about(settings, report, why)


def replacement(settings: MailSettings, verdict: Verdict, why: Finding) -> Letter | None:
    """Return what a recipient gets in place of a message that was stopped; None: nothing."""
    report = _REPLACEMENTS.get(verdict)
    if report is None or not settings[DELIVER_CLEANED_MESSAGES] or _is_silent(settings, verdict, why):
        return None
    return _about(settings, report, why)


def bounce_letter(settings: MailSettings, mail: Mail, spam: SpamCheck) -> Letter | None:
    """Return what the action bounce tells the sender of spam; None: nothing.

    High scoring spam is not bounced, as in MailScanner.
    """
    if not spam.spam or spam.high or not settings[ENABLE_SPAM_BOUNCE]:
        return None
    if not _may_be_told(settings, mail):
        return None
    report = SENDER_SPAM_REPORT if spam.listed else SENDER_SPAMASSASSIN_REPORT
    returns = settings[BOUNCE_SPAM_AS_ATTACHMENT]
    return _letter(settings, report, returns=returns)


def notify_letter(settings: MailSettings) -> Letter | None:
    """Return what the action notify tells a recipient; None: nothing."""
    return _letter(settings, RECIPIENT_SPAM_REPORT)


def report_file(settings: MailSettings, option: Option[Path | None]) -> ReportFile | None:
    """Return the text that an option names for a recipient; None when it names none."""
    path = settings[option]
    return None if path is None else ReportFile(path, option.default.rpartition("/")[2])


def _letter(
    settings: MailSettings,
    report: Option[Path | None],
    findings: tuple[str, ...] = (),
    filenames: tuple[str, ...] = (),
    *,
    returns: bool = False,
) -> Letter | None:
    text = report_file(settings, report)
    return None if text is None else Letter(text, findings, filenames, returns)


def _about(settings: MailSettings, report: Option[Path | None], why: Finding) -> Letter | None:
    return _letter(settings, report, why.texts, why.filenames or (settings.words["theentiremessage"],))


def _is_silent(settings: MailSettings, verdict: Verdict, why: Finding) -> bool:
    """Return whether nobody is told of these viruses: one that does not forge senders is told."""
    if verdict is not Verdict.INFECTED:
        return False
    names = [virus.lower() for virus in why.texts]
    silent = [word.lower() for word in settings[SILENT_VIRUSES]]
    honest = [word.lower() for word in settings[NON_FORGING_VIRUSES]]
    if any(word in name for word in honest for name in names):
        return False
    return _ALL_VIRUSES in silent or any(word in name for word in silent for name in names)


def _may_be_told(settings: MailSettings, mail: Mail) -> bool:
    """Return whether a program may write to the sender of a message (RFC 3834, 2)."""
    if not settings.facts.sender or settings.facts.sender_address.local in {"mailer-daemon", "postmaster"}:
        return False
    never = {w.lower() for w in settings[NEVER_NOTIFY_PRECEDENCE]}
    content = mail.content
    automatic = [value.lower() for value in header_values(content, "Auto-Submitted")]
    return (
        never.isdisjoint(value.lower() for value in header_values(content, "Precedence"))
        and not any(value != "no" for value in automatic)
        and not header_values(content, "List-Id")
    )
