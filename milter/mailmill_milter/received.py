"""The Received header that the edge writes, in Postfix's form: Postfix hides its own from milters (R11)."""

from __future__ import annotations

import ipaddress
from email.utils import formatdate
from functools import lru_cache
from typing import Final

from mailmill.envelope import Envelope, argument
from mailmill_milter.text import neuter, printable

#: Longest HELO name that is shown: a domain name's limit in octets (RFC 5321 4.5.3.1.2).
_LONGEST_HELO: Final = 255
#: Longest recipient that is shown: local part, at, domain (RFC 5321 4.5.3.1.1 and .2).
_LONGEST_RECIPIENT: Final = 64 + 1 + 255


def received_header(envelope: Envelope, *, hostname: str, queue_id: str, now: float) -> bytes:
    """Return the header with its line end (LF, folded with LF and tab).

    A recipient is named only when the message has exactly one, so that nobody learns of the others. The
    login name is not shown (Postfix: `smtpd_sasl_authenticated_header = no`).

    Args:
        envelope: the transaction.
        hostname: the edge's name as its Postfix gives it (`myhostname`).
        queue_id: the queue id that the client was told.
        now: seconds since the epoch.
    """
    local = not envelope.client.address
    lines = [f"by {neuter(hostname)} (Mailmill)"] if local else _origin(envelope)
    if not local:
        lines.append(f"by {neuter(hostname)} (Mailmill) with {_protocol(envelope)}")
    lines[-1] += f" id {queue_id}"
    date = _date(int(now))
    recipient = _only_recipient(envelope)
    if recipient:
        lines.append(f"for <{recipient}>; {date}")
    else:
        lines[-1] += ";"
        lines.append(date)
    return ("Received: " + "\n\t".join(lines) + "\n").encode()


@lru_cache(maxsize=1)
def _date(now: int) -> str:
    """Return a time in seconds since the epoch as a header has it: many messages come in the same second."""
    return formatdate(now, localtime=True)


def _origin(envelope: Envelope) -> list[str]:
    client = envelope.client
    name = neuter(client.name)
    helo = neuter(client.helo[:_LONGEST_HELO]) or name
    lines = [f"from {helo} ({name} [{_literal(client.address)}])"]
    if envelope.tls:
        tls = envelope.tls
        bits = f" ({tls.bits}/{tls.bits} bits)" if tls.bits else ""
        lines.append(f"(using {neuter(tls.protocol)} with cipher {neuter(tls.cipher)}{bits})")
        if tls.cert_subject is None:
            lines.append("(No client certificate requested)")
        else:
            issuer = f', Issuer "{_comment(tls.cert_issuer)}"' if tls.cert_issuer else ""
            lines.append(f'(Client CN "{_comment(tls.cert_subject)}"{issuer})')
    return lines


@lru_cache(maxsize=1024)
def _literal(client_address: str) -> str:
    try:
        address = ipaddress.ip_address(client_address)
    except ValueError:
        return neuter(client_address)
    return f"IPv6:{address}" if address.version == 6 else str(address)  # noqa: PLR2004 - it is the name


def _comment(text: str) -> str:
    return "".join("?" if char in '()<>\\"' else char for char in printable(text[:_LONGEST_HELO]))


def _protocol(envelope: Envelope) -> str:
    """Return the keyword after `with` (RFC 3848, RFC 6531 4.3)."""
    word = "UTF8SMTP" if _utf8(envelope) else "ESMTP"
    return word + ("S" if envelope.tls else "") + ("A" if envelope.sasl else "")


def _utf8(envelope: Envelope) -> bool:
    return argument(envelope.sender_args, "SMTPUTF8") is not None


def _only_recipient(envelope: Envelope) -> str:
    if len(envelope.recipients) != 1 or len(envelope.recipients[0].address) > _LONGEST_RECIPIENT:
        return ""
    return printable(envelope.recipients[0].address, utf8=_utf8(envelope))
