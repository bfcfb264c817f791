"""Whether a message is spam for one recipient, and what the SpamCheck header says of it."""

from __future__ import annotations

from dataclasses import dataclass

from mailmill.findings import Failed, Scored
from mailmill.settings.formail import MailSettings
from mailmill.settings.options.choices import FailurePolicy
from mailmill.settings.options.policy import (
    DEFINITE_SPAM_IS_HIGH,
    IS_DEFINITELY_NOT_SPAM,
    IS_DEFINITELY_SPAM,
    WHITELIST_MAX_RECIPIENTS,
)
from mailmill.settings.options.scanners import (
    HIGH_SCORE,
    MAX_SPAM_CHECK_SIZE,
    REQUIRED_SCORE,
    SPAM_CHECKS,
    SPAM_SCANNER_FAILURE,
)
from mailmill_workers.scan.report import Report


@dataclass(frozen=True)
class SpamCheck:
    """The result for one recipient."""

    #: The text of the SpamCheck header; empty when no check was made.
    text: str
    spam: bool = False
    #: Whether Is Definitely Spam says so.
    listed: bool = False
    high: bool = False
    score: float = 0.0
    #: The spam scanner's answer that this is made of; None: it was not asked, or no answer counts.
    answer: Scored | None = None
    #: Set when the scanner gave no answer and the policy is not to let that pass.
    failed: str = ""


def check_spam(settings: MailSettings, report: Report, recipients: int, size: int) -> SpamCheck:
    """Judge a message of `size` bytes with `recipients` recipients for the one whose settings these are."""
    if not settings[SPAM_CHECKS]:
        return SpamCheck("")
    few = recipients <= settings[WHITELIST_MAX_RECIPIENTS]
    if few and settings[IS_DEFINITELY_NOT_SPAM]:
        return SpamCheck(f"{settings.words['notspam']} ({settings.words['whitelisted']})")
    if settings[IS_DEFINITELY_SPAM]:
        text = f"{settings.words['spam']} ({settings.words['blacklisted']})"
        return SpamCheck(text, spam=True, high=settings[DEFINITE_SPAM_IS_HIGH], listed=True)
    match report.spam if size <= settings[MAX_SPAM_CHECK_SIZE] else None:
        case Scored() as answer:
            return _scored(settings, report.spam_scanner, answer)
        case Failed(reason):
            failed = f"{report.spam_scanner}: {reason}"
            stop = settings[SPAM_SCANNER_FAILURE] is not FailurePolicy.PASS
            return SpamCheck(
                f"not checked, {report.spam_scanner} gave no answer", failed=failed if stop else ""
            )
        case _:
            return SpamCheck("")


def _scored(settings: MailSettings, scanner: str, answer: Scored) -> SpamCheck:
    required = settings[REQUIRED_SCORE]
    high = answer.score >= settings[HIGH_SCORE]
    spam = high or answer.score >= required
    symbols = "".join(f", {name} {points:.2f}" for name, points in answer.symbols)
    words = settings.words
    text = (
        f"{words['spam' if spam else 'notspam']}, {scanner} "
        f"({words['score']}={answer.score:g}, {words['required']} {required:g}{symbols})"
    )
    return SpamCheck(text, spam=spam, high=high, score=answer.score, answer=answer)
