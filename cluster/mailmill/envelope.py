"""What the SMTP session said of one message: the envelope and the facts about its client.

All text that came over the wire is `str` decoded as UTF-8 with `surrogateescape`, so that every byte survives
a round trip (RFC 6531 allows only UTF-8, but a client may send anything).
"""

from __future__ import annotations

from msgspec import Struct
from msgspec.structs import replace


class Client(Struct, frozen=True):
    """The SMTP client, from the milter's own fields, never from a Received header."""

    #: Reverse name, or `unknown` (Postfix's word) when there is none that matches.
    name: str
    #: IPv4 or IPv6 address without brackets or prefix; empty for a local (non-SMTP) submission.
    address: str
    #: TCP port of the client; 0 when unknown.
    port: int
    #: What the client said in HELO or EHLO; empty when it said none.
    helo: str


class Tls(Struct, frozen=True):
    """The TLS session, from Postfix's `{tls_version}`, `{cipher}`, `{cipher_bits}` and `{cert_*}` macros."""

    protocol: str
    cipher: str
    #: Secret bits in use; 0 when unknown.
    bits: int
    #: Subject common name of the client's certificate; None when it showed none.
    cert_subject: str | None = None
    cert_issuer: str | None = None


class Sasl(Struct, frozen=True):
    """The SASL session, from Postfix's `{auth_type}`, `{auth_authen}` and `{auth_author}` macros."""

    method: str
    login: str
    #: The AUTH= sender that the client named; empty when none.
    sender: str = ""


class Recipient(Struct, frozen=True):
    """One RCPT TO: the address without angle brackets and its ESMTP arguments (`NOTIFY=...`) as sent."""

    address: str
    args: tuple[str, ...] = ()


class Envelope(Struct, frozen=True):
    """One mail transaction.

    `sender` is empty for the null sender. `recipients` are in the order of their RCPT commands; an index into
    it identifies a recipient of this message everywhere in the cluster.
    """

    sender: str
    recipients: tuple[Recipient, ...]
    client: Client
    #: ESMTP arguments of MAIL FROM as sent, for instance `SIZE=1200` or `BODY=8BITMIME`.
    sender_args: tuple[str, ...] = ()
    tls: Tls | None = None
    sasl: Sasl | None = None

    def only(self, indexes: tuple[int, ...]) -> Envelope:
        """Return this envelope with only the recipients at `indexes`."""
        return replace(self, recipients=tuple(self.recipients[index] for index in indexes))


def argument(args: tuple[str, ...], keyword: str) -> str | None:
    """Return the value of an ESMTP argument: `""` when it has none, None when it is absent."""
    wanted = keyword.upper()
    for arg in args:
        name, _, value = arg.partition("=")
        if name.upper() == wanted:
            return value
    return None
