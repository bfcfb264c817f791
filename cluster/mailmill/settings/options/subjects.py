"""Options of subject lines: tags in front of the text or behind it."""

from __future__ import annotations

from typing import Final

from mailmill.settings.kinds import TEXT, YES_NO, Kind
from mailmill.settings.option import Option, Rules
from mailmill.settings.options.choices import SubjectPlace


def _place(yes: SubjectPlace) -> Kind[SubjectPlace]:
    """Return the kind of places in a subject; `yes` is what yes means."""

    def parse(text: str) -> SubjectPlace:
        word = text.strip().lower()
        if word in {SubjectPlace.START, SubjectPlace.END}:
            return SubjectPlace(word)
        try:
            return yes if YES_NO.parse(text) else SubjectPlace.NO
        except ValueError:
            raise ValueError(f"must be no, start, end or yes, not {text.strip()!r}") from None

    return Kind(f"no, start, end, or yes, which means {yes}", parse)


_SPAM_PLACE: Final = _place(SubjectPlace.START)
_BREAKS: Final = (
    "A DKIM signature of the message does not verify any more: headers with a name of your own "
    "(Spam Actions) do not break it."
)
_KEYWORDS: Final = (
    "_SCORE_ stands for the score as a whole number, _STARS_ for a row of Spam Score Character. "
    "A subject that has the text there already is not tagged again."
)

SCANNED_MODIFY_SUBJECT: Final = Option(
    "Scanned Modify Subject",
    _place(SubjectPlace.END),
    default="no",
    rules=Rules.FIRST,
    description="Where Scanned Subject Text goes in the subject of mail that is no spam and was looked into "
    "completely. Mail with a DKIM or ARC signature, which that would break, stays as it is.",
)
SCANNED_SUBJECT_TEXT: Final = Option(
    "Scanned Subject Text",
    TEXT,
    default="{Scanned}",
    rules=Rules.FIRST,
    description="The text that Scanned Modify Subject puts into the subject.",
)
SPAM_MODIFY_SUBJECT: Final = Option(
    "Spam Modify Subject",
    _SPAM_PLACE,
    default="no",
    rules=Rules.FIRST,
    description=f"Where Spam Subject Text goes in the subject of spam that is delivered. {_BREAKS}",
)
SPAM_SUBJECT_TEXT: Final = Option(
    "Spam Subject Text",
    TEXT,
    default="{Spam?}",
    rules=Rules.FIRST,
    description=f"The text that Spam Modify Subject puts into the subject. {_KEYWORDS}",
)
HIGH_SPAM_MODIFY_SUBJECT: Final = Option(
    "High Scoring Spam Modify Subject",
    _SPAM_PLACE,
    default="no",
    rules=Rules.FIRST,
    description="As Spam Modify Subject, for high scoring spam.",
)
HIGH_SPAM_SUBJECT_TEXT: Final = Option(
    "High Scoring Spam Subject Text",
    TEXT,
    default="{Spam?}",
    rules=Rules.FIRST,
    description="As Spam Subject Text, for high scoring spam.",
)
