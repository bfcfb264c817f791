"""How long an answer is kept (`SpamAssassin Cache Timings`)."""

from __future__ import annotations

from typing import Final

from mailmill.findings import Answer, Clean, Found, Scored
from mailmill.settings import Settings
from mailmill.settings.formail import MailSettings
from mailmill.settings.options.scanners import HIGH_SCORE, REQUIRED_SCORE
from mailmill.settings.options.verdicts import CACHE_TIMINGS
from mailmill_workers.mail import Mail
from mailmill_workers.scan.policy import facts_for

#: An answer of a spam engine that took longer, in seconds, is not kept: it may lack what the engine waited
#: for in vain (rspamd: task_timeout 8 s, SpamAssassin: rbl_timeout 15 s, DNS servers 5 s).
SLOW: Final = 5.0
#: How the names of viruses look that the version of the signatures says nothing of: signatures that ClamAV
#: did not make (clamd marks them), and what its settings decide.
_UNVERSIONED_END: Final = ".UNOFFICIAL"
_UNVERSIONED_START: Final = "Heuristics."


def virus_life(settings: Settings, answer: Answer) -> int:
    """Return how many seconds an answer of a virus engine is kept; 0: not at all."""
    lives = settings[CACHE_TIMINGS]
    match answer:
        case Clean():
            return lives.ham
        case Found(names) if any(map(_unversioned, names)):
            return min(lives.ham, lives.virus)
        case Found(names) if names:
            return lives.virus
        case _:
            return 0


def spam_life(settings: Settings, answer: Answer, mail: Mail, seconds: float) -> int:
    """Return how many seconds an answer of a spam engine, which took `seconds`, is kept; 0: not at all.

    Recipients may have different scores for what is spam: the shortest life counts.
    """
    if not isinstance(answer, Scored) or answer.momentary or seconds > SLOW:
        return 0
    lives = settings[CACHE_TIMINGS]
    found = []
    for recipient in mail.envelope.recipients:
        for_recipient = MailSettings(settings, facts_for(mail, recipient))
        if answer.score >= for_recipient[HIGH_SCORE]:
            found.append(lives.high_spam)
        elif answer.score >= for_recipient[REQUIRED_SCORE]:
            found.append(lives.spam)
        else:
            found.append(lives.ham)
    return min(found, default=0)


def _unversioned(name: str) -> bool:
    return name.endswith(_UNVERSIONED_END) or name.startswith(_UNVERSIONED_START)
