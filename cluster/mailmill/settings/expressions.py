"""Regular expressions of rules, which strangers choose the text for: none takes long, whatever that text is.

RE2 runs nearly all of them, in a time that grows with the length of the text. It has no back references and
no looking ahead. An expression with these runs in Python's `re`, if there are few ways in which that can try
it on a short text, and is refused otherwise.
"""

from __future__ import annotations

import math
import re
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field
from re import _parser as syntax  # type: ignore[attr-defined]
from typing import Any, Final, Protocol

import re2

#: Characters of a text that an expression sees which RE2 does not run. Addresses have up to 320 (RFC 5321).
LONGEST: Final = 512
#: Ways to try such an expression on a text of that length: some 20 ms at the worst (measured: 0.02 us each).
MOST_WAYS: Final = 1_000_000


class _Search(Protocol):
    def __call__(self, text: Any, /) -> object: ...


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
        ways = _all_ways(tree)
    except (re.error, OverflowError, RecursionError, Warning) as exc:
        raise ValueError(f"the regular expression /{source}/ is wrong: {exc}") from None
    if ways > MOST_WAYS:
        raise ValueError(
            f"the regular expression /{source}/ could take too long: with (?...) or back references, "
            "* + and {} must be few and not inside each other"
        )
    return compiled


def _all_ways(tree: Sequence[Any]) -> float:
    """Return an upper bound of the ways in which a search in a text of `LONGEST` characters can go."""
    anchored = bool(tree) and tree[0][0] is syntax.AT and str(tree[0][1]).startswith("AT_BEGINNING")
    return _ways(tree) * (1 if anchored else LONGEST + 1)


def _ways(tree: Sequence[Any]) -> float:
    """Return the ways in which a sequence can be matched at one place."""
    return math.prod((_ways_of(operator, value) for operator, value in tree), start=1.0)


def _ways_of(operator: Any, value: Any) -> float:
    match str(operator):
        case "MAX_REPEAT" | "MIN_REPEAT" | "POSSESSIVE_REPEAT":
            low, high, inner = value
            return _repeated(_ways(inner), min(int(low), LONGEST), min(int(high), LONGEST))
        case "BRANCH":
            return sum(map(_ways, value[1]))
        case "GROUPREF_EXISTS":
            return sum(_ways(branch) for branch in value[1:] if branch)
        case "SUBPATTERN" | "ASSERT" | "ASSERT_NOT":
            return _ways(value[-1])
        case name:
            return _ways(value) if name == "ATOMIC_GROUP" else 1


def _repeated(ways: float, low: int, high: int) -> float:
    if ways == 1:
        return high - low + 1
    total = 0.0
    for count in range(low, high + 1):
        total += min(ways, 1e9) ** min(count, 30)
        if total > MOST_WAYS:
            return math.inf
    return total
