"""Values that a custom function decides: `Option = &Name` or `Option = &Name(argument, argument)`.

The function comes from a plug-in. Its faults end here: an error, a time-out or nonsense is logged with its
name, and the default of the option counts.
"""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from mailmill.bounded import TimeLimited
from mailmill.plugins import FUNCTIONS, PluginError, find_plugin, load_plugin
from mailmill.settings.facts import MailFacts
from mailmill.settings.ruleset import RuleSet

log = logging.getLogger(__name__)

T = TypeVar("T")

#: Seconds that a function may take for one recipient's copy of a message.
TIME_LIMIT: Final = 5.0
#: Seconds that the making of a function may take.
MAKING_LIMIT: Final = 30.0
#: Seconds that a function is not asked for after it took too long.
REST: Final = 60.0
#: Calls of one function that are under way, those included that were given up.
_THREADS: Final = 8
#: Calls while functions are made, of all of them.
_makers: Final = TimeLimited(_THREADS)

_CALL: Final = re.compile(r"&\s*(\w+)(?:\s*\((.*)\))?\s*;?", re.DOTALL)
_ARGUMENT: Final = re.compile(r"""\s*(?:"([^"]*)"\s*|'([^']*)'\s*|([^,"']*))(?:,|$)""")

#: What a plug-in's factory returns: asked for each recipient's copy of a message.
Function = Callable[[MailFacts], object]


@dataclass(frozen=True)
class Call:
    """What stands in MailScanner.conf."""

    name: str
    arguments: tuple[str, ...]


def parse_call(text: str) -> Call | None:
    """Return what `&Name(arguments)` says, or None for any other value.

    Raises:
        ValueError: the arguments are not understood.
    """
    match = _CALL.fullmatch(text)
    return Call(match[1], _arguments(match[2] or "")) if match else None


def _arguments(text: str) -> tuple[str, ...]:
    found, place = [], 0
    while text.strip() and place <= len(text):
        match = _ARGUMENT.match(text, place)
        if not match:
            raise ValueError(f"has arguments that are not understood: {text[place:]!r}")
        bare = match[3]
        found.append(bare.strip() if bare is not None else next(g for g in match.groups() if g is not None))
        if not match[0].endswith(","):
            break
        place = match.end()
    return tuple(found)


def is_installed(text: str) -> bool:
    """Say whether a value names a function that a plug-in has."""
    match = _CALL.fullmatch(text)
    return match is not None and find_plugin(FUNCTIONS, match[1]) is not None


class FunctionValues(RuleSet[T]):
    """The values of an option that a function decides."""

    def __init__(
        self,
        text: str,
        function: Function,
        parse: Callable[[str], T],
        default: T,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Ask `function`, which is written as `text`, and turn what it says into a value with `parse`."""
        super().__init__((), default)
        self._text = text
        self._function = function
        self._parse = parse
        self._clock = clock
        self._calls = TimeLimited(_THREADS)
        self._rests_until = 0.0

    @property
    def is_constant(self) -> bool:
        """Never: the function may say something else of each message."""
        return False

    @property
    def may_wait(self) -> bool:
        """Always: nobody knows what the function does."""
        return True

    def first(self, facts: MailFacts) -> T:
        """Return what the function says, or the default when that cannot be used."""
        if self._clock() < self._rests_until:
            return self.default
        try:
            said = self._calls.call(lambda: self._function(facts), TIME_LIMIT)
            return self.default if said is None else self._parse(as_text(said))
        except TimeoutError as exc:
            self._rests_until = self._clock() + REST
            log.error(  # noqa: TRY400 - there is no trace of where it hangs
                "custom function %s: %s; the default counts for %g s", self._text, exc, REST
            )
        except Exception:  # whatever a plug-in does
            log.exception("custom function %s failed for %s: the default counts", self._text, facts.recipient)
        return self.default

    def all(self, facts: MailFacts) -> tuple[T, ...]:
        """Return what the function says, alone."""
        return (self.first(facts),)


def function_values(text: str, parse: Callable[[str], T], default: T) -> FunctionValues[T] | None:
    """Return the values of `&Name(arguments)`; None when no plug-in has that function.

    Raises:
        ValueError: the arguments are not understood, or the function cannot be made.
    """
    call = parse_call(text)
    point = find_plugin(FUNCTIONS, call.name) if call else None
    if call is None or point is None:
        return None
    try:
        factory = load_plugin(point)
        function = _makers.call(lambda: _made(factory, call.arguments), MAKING_LIMIT)
    except PluginError as exc:
        raise ValueError(f"names a function that cannot be used: {exc}") from exc
    except Exception as exc:  # whatever a plug-in does
        raise ValueError(f"names a function that cannot be made: {text}: {exc!r}") from exc
    return FunctionValues(text, function, parse, default)


def _made(factory: Any, arguments: tuple[str, ...]) -> Function:
    function: Function = factory(*arguments)
    if not callable(function):
        raise TypeError(f"{function!r} cannot be called")
    return function


def as_text(said: Any) -> str:
    """Return what a function said as it would stand in MailScanner.conf.

    Raises:
        TypeError: it is neither text nor a number nor yes or no.
    """
    if isinstance(said, bool):
        return "yes" if said else "no"
    if isinstance(said, (str, int, float)):
        return str(said)
    raise TypeError(f"must return text, a number, True, False or None, not {said!r}")
