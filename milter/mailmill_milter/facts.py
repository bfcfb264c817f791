"""The facts about a client in the form that the envelope has: from the milter's own fields only."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable

from mailmill.envelope import Sasl, Tls

#: Reads a macro of the MTA: its value, or None when the MTA has not set it.
Macros = Callable[[str], str | None]


def host_name(name: str) -> str:
    """Return the client's name as Postfix calls it: MTAs write `[address]` for a client without one."""
    return "unknown" if not name or name.startswith("[") else name


def host_address(address: str) -> str:
    """Return an address in its usual form: without `IPv6:`, and IPv4 where it is mapped into IPv6."""
    bare = address[5:] if address[:5].lower() == "ipv6:" else address
    try:
        parsed = ipaddress.ip_address(bare)
    except ValueError:
        return bare
    return str(getattr(parsed, "ipv4_mapped", None) or parsed)


def is_loopback(address: str) -> bool:
    """Say whether an address is one of this host's loopback interface."""
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False


def tls_of(macros: Macros) -> Tls | None:
    """Return the TLS session that the macros tell of; None when there is none."""
    protocol = macros("{tls_version}")
    if not protocol:
        return None
    bits = macros("{cipher_bits}") or ""
    return Tls(
        protocol=protocol,
        cipher=macros("{cipher}") or "",
        bits=int(bits) if bits.isdecimal() else 0,
        cert_subject=macros("{cert_subject}"),
        cert_issuer=macros("{cert_issuer}"),
    )


def sasl_of(macros: Macros) -> Sasl | None:
    """Return the SASL session that the macros tell of; None when there is none."""
    login = macros("{auth_authen}")
    if not login:
        return None
    return Sasl(method=macros("{auth_type}") or "", login=login, sender=macros("{auth_author}") or "")
