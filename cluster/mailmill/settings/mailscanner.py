"""What to say about options of MailScanner's that a file sets and Mailmill does not read."""

from __future__ import annotations

import enum
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

from mailmill.settings.conffile import Assignment
from mailmill.settings.functions import is_installed
from mailmill.settings.kinds import PATH, WORDS
from mailmill.settings.known import KNOWN, Known, Status
from mailmill.settings.option import Option, Rules, option_key
from mailmill.settings.options import TABLE


class Fate(enum.Enum):
    """What becomes of the value of one option of MailScanner's."""

    WORKS = "works as it is"
    DIFFERS = "differs"
    NOT_YET = "not supported yet"
    NOT_APPLICABLE = "not applicable"


@dataclass(frozen=True)
class Finding:
    """One option of MailScanner's that a file sets."""

    known: Known
    assignment: Assignment
    fate: Fate
    #: Whether the value is the one of the file that MailScanner ships, so that nobody chose it.
    shipped: bool
    #: What to know, or to do.
    note: str


_FATES: Final = {
    Status.SUPPORTED: Fate.WORKS,
    Status.DIFFERENT: Fate.DIFFERS,
    Status.NOT_YET: Fate.NOT_YET,
    Status.NOT_APPLICABLE: Fate.NOT_APPLICABLE,
}
_ELSEWHERE: Final = re.compile(r"&\w+.*|[\w.-]+\.customi[sz]e", re.DOTALL)
#: As MailScanner tells rulesets from other files.
_RULESET: Final = re.compile(r"/.*[Rr]ules?", re.DOTALL)
_REMARKS: Final = {
    Fate.DIFFERS: "not read",
    Fate.NOT_YET: "known, not supported yet",
    Fate.NOT_APPLICABLE: "not applicable",
}
#: Other words for yes and no, as MailScanner and its users write them.
_YES_NO: Final = {"1": "yes", "0": "no", "true": "yes", "false": "no", "on": "yes", "off": "no"}


def findings(assignments: Iterable[Assignment], expand: Callable[[str], str]) -> list[Finding]:
    """Return what becomes of each option of MailScanner's that is assigned; its last assignment counts.

    Args:
        assignments: in the order of the files; names that MailScanner does not know are passed over.
        expand: replaces the variables in a default; raises ValueError when one is not defined.
    """
    last = {option_key(item.name): item for item in assignments}
    return [_finding(KNOWN[key], item, expand) for key, item in last.items() if key in KNOWN]


def remarks(assignments: Iterable[Assignment], expand: Callable[[str], str]) -> list[str]:
    """Return a warning for each option that somebody chose a value for and that Mailmill does not read."""
    return [
        f"{found.assignment.where}: {found.known.name} is {_REMARKS[found.fate]}: {found.note}"
        for found in findings(assignments, expand)
        if found.known.key not in TABLE and found.fate is not Fate.WORKS and not found.shipped
    ]


def is_elsewhere(known: Known, text: str) -> bool:
    """Say whether MailScanner gets a value from Perl code or a database: `&Function`, `name.customize`."""
    return known.rules is not Rules.NONE and bool(_ELSEWHERE.fullmatch(text))


def lacks_rulesets(known: Known, option: Option[object], text: str) -> bool:
    """Say whether a value is a ruleset where MailScanner takes one and Mailmill does not."""
    if known.rules is Rules.NONE or option.rules is not Rules.NONE or not text.startswith("/"):
        return False
    # Sockets and directories are paths too.
    return has_rules_ending(text) or option.kind not in {PATH, WORDS}


def has_rules_ending(text: str) -> bool:
    """Say whether a path is that of a ruleset by its ending, where a path may be the value itself too."""
    return bool(_RULESET.fullmatch(text))


def _finding(known: Known, item: Assignment, expand: Callable[[str], str]) -> Finding:
    fate, note = _FATES[known.status], known.note
    option = TABLE.get(known.key)
    if known.does is not None and _plain(known.does) == _plain(item.value):
        fate = Fate.WORKS
    elif option and is_elsewhere(known, item.value):
        if option.rules is not Rules.NONE and is_installed(item.value):
            fate, note = Fate.WORKS, "A plug-in of that name is installed."
        else:
            fate = Fate.NOT_YET
            note = "The default counts: Perl and SQL are not asked. A Python plug-in can take their place."
    elif option and lacks_rulesets(known, option, item.value):
        fate, note = Fate.DIFFERS, "The default of the ruleset counts for all mail."
    return Finding(known, item, fate, _is_shipped(known, item, expand), note)


def _is_shipped(known: Known, item: Assignment, expand: Callable[[str], str]) -> bool:
    # As written: a variable in it may have got another value since, in conf.d.
    if _plain(known.default) == _plain(item.written):
        return True
    try:
        return _plain(expand(known.default)) == _plain(item.value)
    except ValueError:
        return False


def _plain(text: str) -> str:
    """Return a value without what does not matter: case, runs of blanks, other words for yes and no."""
    words = " ".join(text.lower().split())
    return _YES_NO.get(words, words)
