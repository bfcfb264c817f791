"""SpamAssassin Rule Actions: what is done with a message when the spam scanner names a rule or a score.

RULE=>action,action, SpamScore>25=>delete, OTHER_RULE=>not-deliver,store
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping
from typing import Final

from msgspec import Struct

from mailmill.findings import Scored
from mailmill.settings.actions import Step, parse_steps
from mailmill.settings.kinds import Kind

_COMPARISONS: Final[Mapping[str, Callable[[float, float], bool]]] = {
    ">": operator.gt,
    ">=": operator.ge,
    "==": operator.eq,
    "<": operator.lt,
    "<=": operator.le,
}
_CONDITION: Final = re.compile(
    r"(?:^|[\s,])(?:SpamScore\s*(?P<comparison>>=|<=|==|>|<)\s*(?P<points>-?\d+(?:\.\d*)?)"
    r"|(?P<rule>[A-Za-z_][\w.-]*))\s*=>",
    re.IGNORECASE | re.ASCII,
)


class RuleActions(Struct, frozen=True):
    """Steps that are taken when a rule matched, or when the score compares so."""

    #: The name of a rule of the spam scanner; empty: it is about the score.
    rule: str
    comparison: str
    points: float
    steps: tuple[Step, ...]

    def applies(self, answer: Scored) -> bool:
        """Say whether the spam scanner's answer is of this kind."""
        if self.rule:
            return any(name == self.rule for name, _ in answer.symbols)
        return _COMPARISONS[self.comparison](answer.score, self.points)


def parse_rule_actions(text: str) -> tuple[RuleActions, ...]:
    """Return what a text says, in its order; none when it is empty.

    Raises:
        ValueError: a part of it is no `RULE=>actions`.
    """
    found = list(_CONDITION.finditer(text))
    before = text[: found[0].start()] if found else text
    if before.strip(" \t\n,"):
        raise ValueError(f"must be RULE=>action,... or SpamScore>number=>action,..., not {before.strip()!r}")
    ends = [*(match.start() for match in found[1:]), len(text)][: len(found)]
    actions = []
    for match, end in zip(found, ends, strict=True):
        steps = parse_steps(text[match.end() : end], removable=True)
        if not steps:
            raise ValueError(f"has no action after {match[0].strip(' ,')}")
        actions.append(
            RuleActions(match["rule"] or "", match["comparison"] or "", float(match["points"] or 0), steps)
        )
    return tuple(actions)


RULE_ACTIONS: Final = Kind(
    "RULE=>action,... or SpamScore>number=>action,..., several of them", parse_rule_actions
)


def join_rule_actions(values: tuple[tuple[RuleActions, ...], ...]) -> tuple[RuleActions, ...]:
    """Return what several values say, in their order."""
    return tuple(one for value in values for one in value)
