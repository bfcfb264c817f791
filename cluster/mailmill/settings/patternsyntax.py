"""How the patterns of rulesets are written."""

from __future__ import annotations

import ipaddress
import re
import warnings
from typing import Final

from mailmill.settings.facts import Address, split_address
from mailmill.settings.patterns import (
    AddressExpression,
    Anything,
    ClientExpression,
    ClientName,
    ClientRange,
    Domain,
    ExactAddress,
    Pattern,
    Wildcard,
)

_EVERYTHING: Final = frozenset({"default", "*", "*@*", "*@", "@*", "@"})
_HOST: Final = re.compile(r"host(?:-nocheck)?:(.*)", re.IGNORECASE)
#: What begins like this is about client addresses: only digits and dots, or a colon and no `@`.
_IPV4: Final = re.compile(r"[0-9.]+(?:[/-][0-9.]+)?")
_IPV4_PARTS: Final = 4
#: Characters that make an address pattern something else: a list, or an expression without slashes.
_MISPLACED: Final = re.compile(r"[,;<>()|^$\\]")
#: The upper 96 bits of an IPv4-mapped IPv6 address (RFC 4291, section 2.5.5.2).
_MAPPED: Final = 0xFFFF


def parse_pattern(text: str) -> Pattern:
    """Return the pattern that one word of a ruleset means.

    Raises:
        ValueError: it is none; the message says why.
    """
    if text.lower() in _EVERYTHING:
        return Anything()
    if text == "<>":
        return ExactAddress(Address("", ""))
    if text.startswith("/"):
        return _expression(text)
    if host := _HOST.fullmatch(text):
        return _client_name(host[1].lower())
    if "@" not in text and (":" in text or _IPV4.fullmatch(text)):
        return _client_range(text.lower())
    return _address(text)


def _address(text: str) -> Pattern:
    if misplaced := _MISPLACED.search(text):
        raise ValueError(f"{text!r} is no address pattern: it has {misplaced[0]!r} in it")
    local, domain = split_address(text if "@" in text else f"@{text}")
    if domain.startswith("."):
        raise ValueError(f"{text!r} never matches: write *{domain} for all below a domain")
    local, domain = local or "*", domain or "*"
    if "*" in local + domain:
        return Domain(domain) if local == "*" and "*" not in domain else Wildcard(_glob(local), _glob(domain))
    return ExactAddress(Address(local, domain))


def _glob(text: str) -> re.Pattern[str]:
    return re.compile(_glob_source(text), re.DOTALL)


def _glob_source(text: str) -> str:
    return ".*".join(re.escape(part) for part in re.split(r"\*+", text))


def _expression(text: str) -> Pattern:
    body = text[1:-1]
    if not text.endswith("/") or not body:
        raise ValueError(f"{text!r} is no regular expression between slashes")
    # As in MailScanner: an expression without letters is about the client's address; /^$/ is the null sender.
    if re.search("[0-9]", body) and not re.search("[A-Za-z@]", body):
        return ClientExpression(_compiled(body))
    return AddressExpression(_compiled(body))


def _client_name(text: str) -> Pattern:
    if text == "_spoofed_":
        raise ValueError("host:_SPOOFED_ is not supported: a name that does not lead back counts as none")
    if text.startswith("/"):
        if len(text) < len("/x/") or not text.endswith("/"):
            raise ValueError(f"'host:{text}' has no regular expression between slashes")
        return ClientName(_compiled(text[1:-1]))
    name = text.strip(".")
    return ClientName(_compiled(rf"\A(?:.*\.)?{_glob_source(name)}\Z" if name else r"\A\Z"))


def _compiled(source: str) -> re.Pattern[str]:
    try:
        with warnings.catch_warnings():
            # Python warns where its expressions and Perl's part ways, for instance at [[:alpha:]].
            warnings.simplefilter("error")
            return re.compile(source, re.IGNORECASE)
    except (re.error, OverflowError, RecursionError, Warning) as exc:
        raise ValueError(f"the regular expression /{source}/ is wrong: {exc}") from None


def _client_range(text: str) -> ClientRange:
    try:
        version, low, high = _bounds(text)
    except ValueError as exc:
        raise ValueError(f"{text!r} is no IP address, network or range: {exc}") from None
    if version == 6 and low >> 32 == high >> 32 == _MAPPED:  # noqa: PLR2004 - IPv6
        version, low, high = 4, low & 0xFFFF_FFFF, high & 0xFFFF_FFFF
    return ClientRange(version, low, high)


def _bounds(text: str) -> tuple[int, int, int]:
    """Return the IP version, the first and the last address of what is written."""
    if "%" in text:
        raise ValueError("it has a zone (%) in it")
    first, dash, last = text.partition("-")
    if dash:
        low, high = ipaddress.ip_address(first), ipaddress.ip_address(last)
        if low.version != high.version or int(low) > int(high):
            raise ValueError("the end of the range is not above its beginning")
        return low.version, int(low), int(high)
    base, slash, size = text.partition("/")
    whole, bits = _completed(base)
    kind = ipaddress.IPv6Network if ":" in whole else ipaddress.IPv4Network
    network = kind(f"{whole}/{size if slash else bits}", strict=False)
    return network.version, int(network.network_address), int(network.broadcast_address)


def _completed(base: str) -> tuple[str, int]:
    """Return a whole address for `10.1`, `10.1.` or `2001:db8:`, and how many bits of it were written."""
    if ":" not in base:
        parts = base.removesuffix(".").split(".")
        missing = max(0, _IPV4_PARTS - len(parts))
        return ".".join([*parts, *["0"] * missing]), 8 * len(parts)
    if base.endswith(":") and not base.endswith("::"):
        return f"{base}:", 16 * (base.count(":"))
    return base, 128
