"""Policy: from what is known of a message to a judgement for each of its recipients."""

from __future__ import annotations

from dataclasses import replace

from mailmill.envelope import Recipient
from mailmill.findings import Found
from mailmill.settings import Settings
from mailmill.settings.options.choices import FailurePolicy
from mailmill.settings.options.policy import (
    CLEAN_HEADER_VALUE,
    ENVELOPE_FROM_HEADER,
    FILENAME_RULES,
    FILETYPE_RULES,
    HIGH_SCORING_SPAM_ACTIONS,
    ID_HEADER,
    INFECTED_HEADER_VALUE,
    INFORMATION_HEADER,
    INFORMATION_HEADER_VALUE,
    MAIL_HEADER,
    NON_SPAM_ACTIONS,
    NOT_SCANNED_HEADER_VALUE,
    SPAM_ACTIONS,
    SPAM_HEADER,
    SPAM_SCORE_CHARACTER,
    SPAM_SCORE_HEADER,
)
from mailmill.settings.options.scanners import (
    SPAM_SCANNER_FAILURE,
    UNSCANNABLE,
    VIRUS_SCANNER_FAILURE,
    VIRUS_SCANNING,
)
from mailmill.settings.values import MailFacts
from mailmill_workers.mail import Mail
from mailmill_workers.scan.judgement import Folder, Judgement, Verdict
from mailmill_workers.scan.report import Report
from mailmill_workers.scan.spamrules import SpamCheck, check_spam

#: The longest row of score characters (MailScanner writes no more).
MAX_SCORE_CHARACTERS = 60


class Deferral(Exception):  # noqa: N818 - not an error: a decision to wait
    """The message cannot be judged now; the text says why."""


def facts_for(mail: Mail, recipient: Recipient) -> MailFacts:
    """Return what rules may ask about a message and one of its recipients."""
    envelope = mail.header.envelope
    return MailFacts(
        sender=envelope.sender,
        recipient=recipient.address,
        client_address=envelope.client.address,
        client_name=envelope.client.name,
    )


def judge(settings: Settings, mail: Mail, report: Report, recipient: Recipient) -> Judgement:
    """Return what is done with a message for one recipient.

    The worst finding decides: a virus, what could not be looked into, a forbidden attachment, and only then
    spam.

    Raises:
        Deferral: an engine that has to be asked gave no answer, and policy is to wait for it.
    """
    facts = facts_for(mail, recipient)
    wanted = any(settings.rule(VIRUS_SCANNING).all(facts))
    report = report if wanted else replace(report, viruses=())
    stopped = _viruses(settings, mail, report)
    if stopped is not None:
        return stopped
    forbidden = report.forbidden(
        settings.rule(FILENAME_RULES).first(facts), settings.rule(FILETYPE_RULES).first(facts)
    )
    if forbidden:
        reasons = tuple(f"{part.filename or 'unnamed part'}: {part.log_text}" for part in forbidden)
        return _stopped(settings, mail, Verdict.FORBIDDEN, reasons)
    spam = check_spam(settings, report, facts, len(mail.header.envelope.recipients))
    if spam.failed:
        if settings[SPAM_SCANNER_FAILURE] is FailurePolicy.DEFER:
            raise Deferral(spam.failed)
        return _stopped(settings, mail, Verdict.SCANNER_FAILED, (spam.failed,))
    return _by_spam_actions(settings, mail, facts, spam, _scan_text(settings, report))


def _viruses(settings: Settings, mail: Mail, report: Report) -> Judgement | None:
    """Return the judgement when a virus stops the message, or that nobody can tell whether it has one."""
    found = tuple(
        f"{name}: {virus}" for name, a in report.viruses if isinstance(a, Found) for virus in a.names
    )
    if found:
        return _stopped(settings, mail, Verdict.INFECTED, found)
    for reasons, option, verdict in (
        (report.unscannable(), UNSCANNABLE, Verdict.UNSCANNABLE),
        (report.virus_failures(), VIRUS_SCANNER_FAILURE, Verdict.SCANNER_FAILED),
    ):
        policy = settings[option]
        if reasons and policy is FailurePolicy.DEFER:
            raise Deferral("; ".join(reasons))
        if reasons and policy is FailurePolicy.QUARANTINE:
            return _stopped(settings, mail, verdict, reasons)
    return None


def _scan_text(settings: Settings, report: Report) -> str:
    """Return what the mail header says of a message that was not stopped."""
    if not report.viruses:
        return settings[NOT_SCANNED_HEADER_VALUE]
    doubts = report.unscannable() + report.virus_failures()
    if doubts:
        return f"Not fully scanned ({'; '.join(doubts)})"
    return settings[CLEAN_HEADER_VALUE]


def _stopped(settings: Settings, mail: Mail, verdict: Verdict, reasons: tuple[str, ...]) -> Judgement:
    return Judgement(
        verdict=verdict,
        reasons=reasons,
        deliver=False,
        store=Folder.INFECTIONS,
        notify=True,
        headers=_headers(settings, mail, settings[INFECTED_HEADER_VALUE], SpamCheck("")),
    )


def _by_spam_actions(
    settings: Settings, mail: Mail, facts: MailFacts, spam: SpamCheck, scan_text: str
) -> Judgement:
    if spam.high:
        verdict, option, folder = Verdict.HIGH_SPAM, HIGH_SCORING_SPAM_ACTIONS, Folder.SPAM
    elif spam.spam:
        verdict, option, folder = Verdict.SPAM, SPAM_ACTIONS, Folder.SPAM
    else:
        verdict, option, folder = Verdict.CLEAN, NON_SPAM_ACTIONS, Folder.NONSPAM
    actions = settings.rule(option).first(facts)
    return Judgement(
        verdict=verdict,
        reasons=(spam.text,) if spam.spam else (),
        deliver=actions.deliver,
        store=folder if actions.store else None,
        notify=False,
        headers=_headers(settings, mail, scan_text, spam) + actions.headers,
    )


def _headers(settings: Settings, mail: Mail, scan_text: str, spam: SpamCheck) -> tuple[tuple[str, str], ...]:
    """Return MailScanner's headers in MailScanner's order; those without a value are left out."""
    stars = min(max(int(spam.score), 0), MAX_SCORE_CHARACTERS)
    headers = (
        (settings[INFORMATION_HEADER], settings[INFORMATION_HEADER_VALUE]),
        (settings[ID_HEADER], mail.header.id),
        (settings[MAIL_HEADER], scan_text),
        (settings[SPAM_HEADER], spam.text),
        (settings[SPAM_SCORE_HEADER], settings[SPAM_SCORE_CHARACTER] * stars),
        (settings[ENVELOPE_FROM_HEADER], mail.header.envelope.sender or "<>"),
    )
    return tuple((name, value) for name, value in headers if value)
