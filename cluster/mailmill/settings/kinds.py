"""The types that values in MailScanner.conf can have: a parser and the words of the reference page."""

from __future__ import annotations

import enum
import ipaddress
import re
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Final, Generic, TypeVar
from urllib.parse import urlsplit

T = TypeVar("T")
E = TypeVar("E", bound=enum.StrEnum)

#: k, m and g are powers of ten, as in MailScanner.
_POWERS: Final = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9}
_SECONDS: Final = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}


@dataclass(frozen=True)
class Kind(Generic[T]):
    """A type of value: `parse` raises ValueError with a reason when the text is not one."""

    #: What may stand there, for people: `yes or no`, `a whole number`.
    words: str
    parse: Callable[[str], T]
    #: Returns what to warn about in a text that is accepted, or "".
    advise: Callable[[str], str] = lambda _: ""


def _yes_no(text: str) -> bool:
    word = text.strip().lower()
    if word in {"yes", "1", "true", "on"}:
        return True
    if word in {"no", "0", "false", "off"}:
        return False
    raise ValueError(f"must be yes or no, not {text!r}")


def _number(text: str) -> int:
    match = re.fullmatch(r"\s*(-?[0-9]{1,18}(?:\.[0-9]{1,9})?)\s*([kmgKMG]?)\s*", text)
    if not match:
        raise ValueError(f"must be a whole number (k, m, g may follow), not {text!r}")
    value = Fraction(match[1]) * _POWERS[match[2].lower()]
    if value.denominator != 1:
        raise ValueError(f"must be a whole number, not {text!r}")
    return int(value)


def _real(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        raise ValueError(f"must be a number, not {text!r}") from None
    if value != value or abs(value) == float("inf"):  # noqa: PLR0124 - this is how NaN shows
        raise ValueError(f"must be a number, not {text!r}")
    return value


def _duration(text: str) -> int:
    match = re.fullmatch(r"\s*([0-9]{1,9})\s*([smhdwSMHDW]?)\s*", text)
    if not match:
        raise ValueError(f"must be a time (s, m, h, d or w may follow; seconds otherwise), not {text!r}")
    return int(match[1]) * _SECONDS[match[2].lower()]


def _mode(text: str) -> int:
    if not re.fullmatch(r"\s*0?[0-7]{3}\s*", text):
        raise ValueError(f"must be a file mode in octal such as 0640, not {text!r}")
    return int(text, 8)


def _path(text: str) -> Path:
    if not text.strip() or "\0" in text:
        raise ValueError(f"must be a path, not {text!r}")
    return Path(text.strip())


def _optional_path(text: str) -> Path | None:
    return _path(text) if text.strip() else None


def _relative(text: str) -> str:
    if all(word.startswith("/") for word in text.split()):
        return ""
    return "does not begin with /: it is another place for each process that is started elsewhere"


def _listening_address(text: str) -> str:
    address = text.strip()
    if not address.startswith("/"):
        try:
            ipaddress.ip_address(address)
        except ValueError:
            raise ValueError(f"must be an IP address or a path that begins with /, not {address!r}") from None
    return address


def _header_name(text: str) -> str:
    # MailScanner's users write the colon; spaces become dashes there too.
    name = re.sub(r"\s+", "-", text.strip().removesuffix(":").strip())
    if not re.fullmatch(r"[!-9;-~]+", name):
        raise ValueError(f"must be the name of a header (printable ASCII), not {text!r}")
    return name


def whole_number(low: int, high: int | None = None) -> Kind[int]:
    """Return the kind of whole numbers from `low` to `high` (both included)."""

    def parse(text: str) -> int:
        value = _number(text)
        if value < low or (high is not None and value > high):
            raise ValueError(f"must be {limits}, not {text.strip()}")
        return value

    limits = f"at least {low}" if high is None else f"from {low} to {high}"
    return Kind(f"a whole number, {limits}", parse)


def one_of(choices: type[E]) -> Kind[E]:
    """Return the kind of values that are a word of an enumeration, in any case."""

    def parse(text: str) -> E:
        try:
            return choices(text.strip().lower())
        except ValueError:
            raise ValueError(f"must be {words}, not {text.strip()!r}") from None

    words = " or ".join(choice.value for choice in choices)
    return Kind(words, parse)


def url(*schemes: str, optional: bool = False, drivers: bool = False) -> Kind[str]:
    """Return the kind of URLs with one of these schemes, and `+DRIVER` where that may follow.

    The path of `file` must be absolute.

    What is wrong is told without the URL, which may have a password.
    """

    def parse(text: str) -> str:
        value = text.strip()
        if optional and not value:
            return value
        parts = urlsplit(value)
        scheme = parts.scheme.partition("+")[0] if drivers else parts.scheme
        if scheme not in schemes or not value[len(parts.scheme) :].startswith("://"):
            raise ValueError(f"must begin with {words}")
        if parts.scheme == "file" and (parts.netloc or not parts.path.startswith("/")):
            raise ValueError("must have three slashes: file:///DIRECTORY")
        try:
            parts.port  # noqa: B018 - reading it checks it
        except ValueError:
            raise ValueError("must have a port from 0 to 65535, or none") from None
        return value

    words = " or ".join(f"{scheme}://" for scheme in schemes)
    return Kind(f"a URL that begins with {words}" + (", or nothing" if optional else ""), parse)


def _words(text: str) -> tuple[str, ...]:
    return tuple(word for word in re.split(r"[\s,]+", text) if word)


def _paths(text: str) -> tuple[Path, ...]:
    if not text.strip():
        raise ValueError("must be one or more paths, not ''")
    return tuple(_path(word) for word in text.split())


def join_words(values: tuple[tuple[T, ...], ...]) -> tuple[T, ...]:
    """Return the words of several values, each word once."""
    return tuple(dict.fromkeys(word for words in values for word in words))


YES_NO: Final = Kind("yes or no", _yes_no)
REAL: Final = Kind("a number", _real)
DURATION: Final = Kind("a time: seconds, or with s, m, h, d or w", _duration)
MODE: Final = Kind("a file mode in octal", _mode)
PATH: Final = Kind("a path", _path, _relative)
PATHS: Final = Kind("one or more paths, separated by spaces", _paths, _relative)
OPTIONAL_PATH: Final = Kind("a path, or nothing", _optional_path, _relative)
TEXT: Final = Kind("text", str.strip)
LISTENING_ADDRESS: Final = Kind("an IP address, or a path that begins with /", _listening_address)
#: RFC 5322, section 2.2: printable ASCII without the colon.
HEADER_NAME: Final = Kind("the name of a header", _header_name)
WORDS: Final = Kind("words, separated by spaces or commas", _words)
