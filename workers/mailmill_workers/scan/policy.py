"""Policy: from what is known of a message to a judgement for each of its recipients."""

from __future__ import annotations

from dataclasses import replace

from msgspec import structs

from mailmill.envelope import Recipient
from mailmill.findings import Found
from mailmill.hostnames import look_up
from mailmill.settings import MailFacts, Settings
from mailmill.settings.actions import Actions, carry_out, forward_address
from mailmill.settings.formail import MailSettings
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
    LOCAL_POSTMASTER,
    MAIL_HEADER,
    NON_SPAM_ACTIONS,
    NOT_SCANNED_HEADER_VALUE,
    NOTICES_FROM,
    NOTICES_TO,
    SEND_NOTICES,
    SPAM_ACTIONS,
    SPAM_HEADER,
    SPAM_SCORE_HEADER,
    SPAMASSASSIN_RULE_ACTIONS,
)
from mailmill.settings.options.reports import (
    INLINE_SPAM_WARNING,
    NOTICE_SIGNATURE,
    NOTICES_INCLUDE_FULL_HEADERS,
)
from mailmill.settings.options.scanners import (
    SPAM_SCANNER_FAILURE,
    UNSCANNABLE,
    VIRUS_SCANNER_FAILURE,
    VIRUS_SCANNING,
)
from mailmill.settings.options.system import QUARANTINE_DIR
from mailmill_workers.mail import Mail
from mailmill_workers.scan.judgement import Folder, Judgement, NoticeTo, Verdict
from mailmill_workers.scan.letters import (
    Finding,
    bounce_letter,
    notify_letter,
    replacement,
    report_file,
    stopped_letter,
)
from mailmill_workers.scan.report import Report
from mailmill_workers.scan.signature import signature_for
from mailmill_workers.scan.spamrules import SpamCheck, check_spam
from mailmill_workers.scan.subject import score_characters, tag_for


class Deferral(Exception):  # noqa: N818 - not an error: a decision to wait
    """The message cannot be judged now; the text says why."""


def facts_for(mail: Mail, recipient: Recipient, viruses: tuple[str, ...] = ()) -> MailFacts:
    """Return what rules may ask about a message and one of its recipients."""
    envelope = mail.header.envelope
    return MailFacts(
        sender=envelope.sender,
        recipient=recipient.address,
        client_address=envelope.client.address,
        client_name=envelope.client.name,
        viruses=viruses,
        look_up=look_up,
    )


def judge(everybodys: Settings, mail: Mail, report: Report, recipient: Recipient) -> Judgement:
    """Return what is done with a message for one recipient.

    The worst finding decides: a virus, what could not be looked into, a forbidden attachment, and only then
    spam.

    Raises:
        Deferral: an engine that has to be asked gave no answer, and policy is to wait for it.
    """
    if not MailSettings(everybodys, facts_for(mail, recipient))[VIRUS_SCANNING]:
        report = replace(report, viruses=())
    settings = MailSettings(everybodys, facts_for(mail, recipient, report.virus_names()))
    stopped = _viruses(settings, mail, report)
    if stopped is not None:
        return stopped
    forbidden = report.forbidden(settings[FILENAME_RULES], settings[FILETYPE_RULES])
    if forbidden:
        reasons = tuple(f"{part.filename or 'unnamed part'}: {part.log_text}" for part in forbidden)
        why = Finding.of(forbidden, settings.words["notnamed"])
        return _stopped(settings, mail, Verdict.FORBIDDEN, reasons, why)
    spam = check_spam(settings, report, len(mail.header.envelope.recipients), len(mail.content))
    if spam.failed:
        if settings[SPAM_SCANNER_FAILURE] is FailurePolicy.DEFER:
            raise Deferral(spam.failed)
        return _stopped(settings, mail, Verdict.SCANNER_FAILED, (spam.failed,))
    judgement = _by_spam_actions(settings, mail, spam, _scan_text(settings, report))
    complete = not _doubts(report)
    judgement = structs.replace(
        judgement, tag=tag_for(settings, mail, spam, scanned=complete and bool(report.viruses))
    )
    if judgement.verdict is not Verdict.CLEAN or not complete:
        return judgement
    return structs.replace(judgement, signature=signature_for(settings, mail))


def notice_to(settings: MailSettings) -> NoticeTo | None:
    """Return who is told of a copy that was stopped; None: nobody wants to hear of it."""
    addresses = settings[NOTICES_TO]
    if not settings[SEND_NOTICES] or not addresses:
        return None
    return NoticeTo(
        addresses,
        settings[NOTICES_FROM],
        settings[LOCAL_POSTMASTER],
        settings.words["fullheadersare"] if settings[NOTICES_INCLUDE_FULL_HEADERS] else "",
        settings[NOTICE_SIGNATURE],
    )


def poison(everybodys: Settings, mail: Mail, recipient: Recipient, reason: str) -> Judgement:
    """Return what is done for one recipient with a message that no scan survives."""
    settings = MailSettings(everybodys, facts_for(mail, recipient))
    return Judgement(
        verdict=Verdict.POISON,
        reasons=(reason,),
        deliver=False,
        store=Folder.INFECTIONS,
        notice=notice_to(settings),
        headers=(),
        quarantine=str(settings[QUARANTINE_DIR]),
    )


def _viruses(settings: MailSettings, mail: Mail, report: Report) -> Judgement | None:
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


def _scan_text(settings: MailSettings, report: Report) -> str:
    """Return what the mail header says of a message that was not stopped."""
    if not report.viruses:
        return settings[NOT_SCANNED_HEADER_VALUE]
    doubts = _doubts(report)
    if doubts:
        return f"Not fully scanned ({'; '.join(doubts)})"
    return settings[CLEAN_HEADER_VALUE]


def _doubts(report: Report) -> tuple[str, ...]:
    """Return what was not looked into."""
    return report.unscannable() + report.virus_failures()


def _stopped(
    settings: MailSettings,
    mail: Mail,
    verdict: Verdict,
    reasons: tuple[str, ...],
    why: Finding | None = None,
) -> Judgement:
    """Return the judgement on what is kept; `why` says to people what `reasons` say."""
    why = why or Finding(reasons)
    instead = replacement(settings, verdict, why)
    return Judgement(
        verdict=verdict,
        reasons=reasons,
        deliver=instead is not None,
        store=Folder.INFECTIONS,
        notice=notice_to(settings),
        quarantine=str(settings[QUARANTINE_DIR]),
        headers=_headers(settings, mail, settings[INFECTED_HEADER_VALUE], SpamCheck("")),
        replacement=instead,
        to_sender=stopped_letter(settings, mail, verdict, why),
    )


def _by_spam_actions(settings: MailSettings, mail: Mail, spam: SpamCheck, scan_text: str) -> Judgement:
    if spam.high:
        verdict, option, folder = Verdict.HIGH_SPAM, HIGH_SCORING_SPAM_ACTIONS, Folder.SPAM
    elif spam.spam:
        verdict, option, folder = Verdict.SPAM, SPAM_ACTIONS, Folder.SPAM
    else:
        verdict, option, folder = Verdict.CLEAN, NON_SPAM_ACTIONS, Folder.NONSPAM
    actions = _with_rule_actions(settings, settings[option], spam)
    forward = tuple(filter(None, (forward_address(one, settings.facts) for one in actions.forward)))
    # An address of forward that a keyword leaves empty: then the quarantine is the only place for it.
    lost = bool(actions.forward) and not (actions.deliver or actions.delete or forward)
    store = actions.store or lost
    return Judgement(
        verdict=verdict,
        reasons=(spam.text,) if spam.spam else (),
        deliver=actions.deliver,
        store=Folder(actions.store_in or folder) if store else None,
        notice=None,
        quarantine=str(settings[QUARANTINE_DIR]) if store else "",
        headers=_headers(settings, mail, scan_text, spam) + actions.headers,
        forward=tuple(dict.fromkeys(forward)),
        warning=report_file(settings, INLINE_SPAM_WARNING) if actions.attachment else None,
        to_sender=bounce_letter(settings, mail, spam) if actions.bounce else None,
        to_recipient=notify_letter(settings) if actions.notify else None,
        spam=spam,
    )


def _with_rule_actions(settings: MailSettings, actions: Actions, spam: SpamCheck) -> Actions:
    """Return actions with those that the rules and the score of the spam scanner add and remove."""
    for one in settings[SPAMASSASSIN_RULE_ACTIONS]:
        if spam.answer is not None and one.applies(spam.answer):
            actions = carry_out(actions, one.steps, delete_wins=True)
    return actions


def _headers(
    settings: MailSettings, mail: Mail, scan_text: str, spam: SpamCheck
) -> tuple[tuple[str, str], ...]:
    """Return MailScanner's headers in MailScanner's order; those without a value are left out."""
    headers = (
        (settings[INFORMATION_HEADER], settings[INFORMATION_HEADER_VALUE]),
        (settings[ID_HEADER], mail.header.id),
        (settings[MAIL_HEADER], scan_text),
        (settings[SPAM_HEADER], spam.text),
        (settings[SPAM_SCORE_HEADER], score_characters(settings, spam)),
        (settings[ENVELOPE_FROM_HEADER], mail.header.envelope.sender or "<>"),
    )
    return tuple((name, value) for name, value in headers if value)
