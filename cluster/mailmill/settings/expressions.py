"""Regular expressions of rules, which strangers choose the text for: none takes long, whatever that text is.

RE2 runs nearly all of them, in a time that grows with the length of the text. It has no back references and
no looking ahead. An expression with these runs in Python's `re`, if that takes few steps on any short text,
and is refused otherwise.
"""

from __future__ import annotations

import math
import re
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field
from re import _parser as syntax  # type: ignore[attr-defined]
from typing import Any, Final, NamedTuple, Protocol

import re2

#: Characters of a text that an expression sees which RE2 does not run. Addresses have up to 320 (RFC 5321).
LONGEST: Final = 512
#: Steps of such an expression on a text of that length, at the most: 10 ms (the worst of 2,800 random ones).
MOST_STEPS: Final = 1_000_000


class _Search(Protocol):
    def __call__(self, text: Any, /) -> object: ...


class _Effort(NamedTuple):
    """Upper bounds for a part of an expression, at one place of the text."""

    #: In how many ways it can fit.
    ways: float
    #: How many steps all of them take together.
    steps: float


@dataclass(frozen=True)
class Expression:
    """A compiled expression; case does not count."""

    source: str
    _search: _Search = field(repr=False, compare=False)
    #: Whether RE2 runs it.
    linear: bool = field(compare=False)

    def search(self, text: str) -> bool:
        """Say whether the expression is found in a text."""
        if self.linear:
            return bool(self._search(text.encode("utf-8", "surrogateescape")))
        return bool(self._search(text[:LONGEST]))


def compile_expression(source: str, *, dot_all: bool = False) -> Expression:
    """Return a compiled expression.

    Args:
        source: in Perl's syntax.
        dot_all: whether `.` is also a line end.

    Raises:
        ValueError: it is none, or could take too long.
    """
    options = re2.Options()
    options.case_sensitive = False
    options.dot_nl = dot_all
    options.log_errors = False
    try:
        return Expression(source, re2.compile(source.encode(), options).search, linear=True)
    except (re2.error, UnicodeEncodeError):
        return Expression(source, _bounded(source, re.DOTALL if dot_all else 0).search, linear=False)


def _bounded(source: str, flags: int) -> re.Pattern[str]:
    try:
        with warnings.catch_warnings():
            # Python warns where its expressions and Perl's part ways.
            warnings.simplefilter("error")
            compiled = re.compile(source, flags | re.IGNORECASE)
            tree = syntax.parse(source, flags | re.IGNORECASE)
        steps = _all_steps(tree)
    except (re.error, OverflowError, RecursionError, Warning) as exc:
        raise ValueError(f"the regular expression /{source}/ is wrong: {exc}") from None
    if steps > MOST_STEPS:
        raise ValueError(
            f"the regular expression /{source}/ could take too long: with (?...) or back references, "
            "* + and {} must be few and not inside each other"
        )
    return compiled


def _all_steps(tree: Sequence[Any]) -> float:
    """Return an upper bound of the steps of a search in a text of `LONGEST` characters."""
    anchored = bool(tree) and tree[0][0] is syntax.AT and str(tree[0][1]).startswith("AT_BEGINNING")
    return _sequence(tree).steps * (1 if anchored else LONGEST + 1)


def _sequence(tree: Sequence[Any]) -> _Effort:
    """Return the effort of items one behind the other: each is tried for each way of those before."""
    ways, steps = 1.0, 0.0
    for operator, value in tree:
        item = _item(operator, value)
        steps += ways * item.steps
        ways *= item.ways
    return _Effort(ways, steps)


def _item(operator: Any, value: Any) -> _Effort:
    match str(operator):
        case "MAX_REPEAT" | "MIN_REPEAT" | "POSSESSIVE_REPEAT":
            low, high, inner = value
            return _repeated(_sequence(inner), min(int(low), LONGEST), min(int(high), LONGEST))
        case "BRANCH" | "GROUPREF_EXISTS":
            choices = value[1] if str(operator) == "BRANCH" else [each for each in value[1:] if each]
            several = [_sequence(each) for each in choices]
            return _Effort(1 + sum(one.ways for one in several), 1 + sum(one.steps for one in several))
        case "SUBPATTERN":
            return _sequence(value[-1])
        case "ASSERT" | "ASSERT_NOT" | "ATOMIC_GROUP":
            # What was found there once is not tried in another way.
            return _Effort(1, 1 + _sequence(value if str(operator) == "ATOMIC_GROUP" else value[-1]).steps)
        case name:
            return _Effort(1, LONGEST if name.startswith("GROUPREF") else 1)


def _repeated(once: _Effort, low: int, high: int) -> _Effort:
    if once.ways == 1:
        return _Effort(high - low + 1, (high + 1) * (1 + once.steps))
    ways, steps, so_far = 0.0, 1.0, 1.0
    for count in range(high + 1):
        ways += so_far if count >= low else 0
        steps += so_far * (1 + once.steps)
        so_far *= once.ways
        if steps > MOST_STEPS:
            return _Effort(math.inf, math.inf)
    return _Effort(ways, steps)
