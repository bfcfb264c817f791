"""How the patterns of rulesets are written."""

from __future__ import annotations

import ipaddress
import re
import sys
from typing import Final

from mailmill.hostnames import Reverse
from mailmill.settings.expressions import compile_expression
from mailmill.settings.facts import Address, split_address
from mailmill.settings.glob import Glob
from mailmill.settings.patterns import (
    AddressExpression,
    Anything,
    ClientExpression,
    ClientName,
    ClientNameExpression,
    ClientRange,
    ClientReverse,
    Domain,
    ExactAddress,
    Pattern,
    VirusName,
    Wildcard,
)

_EVERYTHING: Final = frozenset({"default", "*", "*@*", "*@", "@*", "@"})
#: MailScanner's examples also have it without `host:` in front.
_SPOOFED: Final = "_spoofed_"
_HOST: Final = re.compile(r"host(-nocheck)?:(.*)", re.IGNORECASE)
#: What begins like this is about client addresses: only digits and dots, or a colon and no `@`.
_IPV4: Final = re.compile(r"[0-9.]+(?:[/-][0-9.]+)?")
_IPV4_PARTS: Final = 4
#: A network or a range with blanks in it, as a file of patterns may have: `10.1.2.0 / 24`.
_SPACED: Final = re.compile(r"([0-9a-f:.]+)\s*([/-])\s*([0-9a-f:.]+)", re.IGNORECASE)
#: Characters that make an address pattern something else: a list, or an expression without slashes.
_MISPLACED: Final = re.compile(r"[,;<>()|^$\\\s]")
#: The upper 96 bits of an IPv4-mapped IPv6 address (RFC 4291, section 2.5.5.2).
_MAPPED: Final = 0xFFFF


def parse_pattern(text: str) -> Pattern:
    """Return the pattern that one word of a ruleset means.

    Raises:
        ValueError: it is none; the message says why.
    """
    if spaced := _SPACED.fullmatch(text):
        text = "".join(spaced.groups())
    if text.lower() in _EVERYTHING:
        return Anything()
    if text == "<>":
        return ExactAddress("")
    if text.startswith("/"):
        return _expression(text)
    if host := _HOST.fullmatch(f"host:{text}" if text.lower() == _SPOOFED else text):
        return _client_name(host[2], verified=not host[1])
    if "@" not in text and (":" in text or _IPV4.fullmatch(text)):
        return _client_range(text.lower())
    return _address(text)


def parse_virus(text: str) -> Pattern:
    """Return the pattern that a word means behind `Virus:`: a part of a virus's name, in any case.

    Raises:
        ValueError: it is none; the message says why.
    """
    if text.lower() in _EVERYTHING:
        return Anything()
    if text.startswith("/"):
        return VirusName(compile_expression(_between_slashes(text)))
    return VirusName(Glob.of(f"*{text.lower()}*"))


def _address(text: str) -> Pattern:
    if misplaced := _MISPLACED.search(text):
        raise ValueError(f"{text!r} is no address pattern: it has {misplaced[0]!r} in it")
    local, domain = split_address(text if "@" in text else f"@{text}")
    if domain.startswith("."):
        raise ValueError(f"{text!r} never matches: write *{domain} for all below a domain")
    local, domain = local or "*", domain or "*"
    if "*" in local + domain:
        if local == "*" and "*" not in domain:
            return Domain(sys.intern(domain))
        return Wildcard(Glob.of(local), Glob.of(domain))
    return ExactAddress(Address(local, domain).text)


def _between_slashes(text: str) -> str:
    body = text[1:-1]
    if not text.endswith("/") or not body:
        raise ValueError(f"{text!r} is no regular expression between slashes")
    return body


def _expression(text: str) -> Pattern:
    body = _between_slashes(text)
    # As in MailScanner: an expression without letters is about the client's address; /^$/ is the null sender.
    if re.search("[0-9]", body) and not re.search("[A-Za-z@]", body):
        return ClientExpression(compile_expression(body))
    return AddressExpression(compile_expression(body))


def _client_name(text: str, *, verified: bool) -> Pattern:
    if text.lower() == _SPOOFED:
        return ClientReverse(Reverse.SPOOFED)
    if text.startswith("/"):
        return ClientNameExpression(compile_expression(_between_slashes(text)), verified)
    name = text.lower().strip(".")
    return ClientName(Glob.of(name), verified) if name else ClientReverse(Reverse.NONE)


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
