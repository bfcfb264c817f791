"""Options of the verdict cache: whose answers are kept, where, and for how long."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from mailmill.settings.kinds import DURATION, TEXT, WORDS, YES_NO, Kind
from mailmill.settings.option import Option, Origin, Rules


@dataclass(frozen=True)
class Lives:
    """How long an answer is kept, in seconds, by what it says; 0: not at all."""

    ham: int
    #: Spam that is not high scoring: short, because the next scan may know more of it.
    spam: int
    high_spam: int
    virus: int


#: Lives, and the two numbers of values that MailScanner's users may write.
_LIVES: Final = 4
_LIVES_AND_SWEEP: Final = 5


def _lives(text: str) -> Lives:
    times = [DURATION.parse(word) for word in WORDS.parse(text)]
    if len(times) not in {_LIVES, _LIVES_AND_SWEEP}:
        raise ValueError(f"must be four times (ham, spam, high scoring spam, viruses), not {text!r}")
    return Lives(*times[:_LIVES])


CACHE_SPAM_RESULTS: Final = Option(
    "Cache SpamAssassin Results",
    YES_NO,
    default="yes",
    rules=Rules.FIRST,
    description="Keep the spam scanner's answers and do not ask again about an identical message from the "
    "same client, sender and recipients. A message uses the cache when all of its recipients may.",
)
CACHE_VIRUS_RESULTS: Final = Option(
    "Cache Virus Scanner Results",
    YES_NO,
    default="yes",
    origin=Origin.MAILMILL,
    description="Keep the virus scanners' answers and do not ask again about an identical message under the "
    "same version of the signatures.",
)
CACHE_TIMINGS: Final = Option(
    "SpamAssassin Cache Timings",
    Kind("four or five times (ham, spam, high scoring spam, viruses, unused)", _lives),
    default="1800,300,10800,172800,600",
    unit="seconds",
    description="How long answers are kept: about ham, spam, high scoring spam, and viruses; 0 keeps none. "
    "Clean for a virus scanner counts as ham. A fifth time (MailScanner's sweep) may stand there: Redis "
    "forgets by itself.",
)
CACHE_URL: Final = Option(
    "Verdict Cache URL",
    TEXT,
    default="",
    origin=Origin.MAILMILL,
    description="The Redis that keeps the answers of scanners. Empty: that of Contents URL when it is a "
    "Redis, else that of Redis URL.",
)
