"""The notice to the postmaster: about one stopped message, never about several.

Where recipients of the message have different rules about notices, each group of them has its own.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import EmailPolicy
from email.utils import format_datetime, formataddr
from typing import Final

from mailmill.delivery import Delivery, delivery_id
from mailmill.envelope import Recipient
from mailmill_workers.mail import Mail
from mailmill_workers.scan.judgement import NoticeTo, Verdict
from mailmill_workers.scan.mailtext import header_lines, header_values, printable

#: Lines end in LF, as everywhere in the cluster; only the way out decides.
_POLICY: Final = EmailPolicy(linesep="\n", cte_type="7bit")
#: The most recipients and reasons that a notice lists.
_MOST: Final = 50
#: The most bytes of headers that a notice shows.
_MOST_HEADERS: Final = 20_000


@dataclass(frozen=True)
class Stopped:
    """What a notice tells of a message."""

    verdict: Verdict
    reasons: tuple[str, ...]
    recipients: tuple[str, ...]
    #: Where it is kept.
    place: str
    #: Who is told.
    to: NoticeTo


def postmaster_notice(mail: Mail, stopped: Stopped, number: int) -> Delivery:
    """Return a notice about a message; `number` counts those about the same message, from 0.

    Its sender is empty, so that a notice that cannot be delivered makes no further mail.
    """
    addresses = stopped.to.addresses
    which = f"{number}:" if number else ""
    covers = tuple(f"notice:{which}{address}" for address in addresses)
    return Delivery(
        id=delivery_id(mail.header.id, covers),
        mail_id=mail.header.id,
        edge=mail.header.edge,
        sender="",
        recipients=tuple(Recipient(address) for address in addresses),
        sender_args=(),
        head=_text(mail, stopped, which),
        content="",
        covers=covers,
        arrival=mail.header.arrival,
        verdict="notice",
    )


def _text(mail: Mail, stopped: Stopped, which: str) -> bytes:
    envelope = mail.header.envelope
    message = EmailMessage(_POLICY)
    message["From"] = formataddr((stopped.to.sender_name, stopped.to.sender))
    message["To"] = ", ".join(stopped.to.addresses)
    message["Subject"] = f"Message stopped: {stopped.verdict}"
    message["Date"] = format_datetime(datetime.fromtimestamp(time.time(), UTC))
    message["Message-ID"] = f"<{mail.header.id}.notice{which[:-1]}@{mail.header.edge}>"
    message["Auto-Submitted"] = "auto-generated"
    arrived = format_datetime(datetime.fromtimestamp(mail.header.arrival, UTC))
    client = envelope.client
    lines = [
        f"A message was stopped ({stopped.verdict}).",
        "",
        f"    Id:         {mail.header.id}",
        f"    Queue id:   {mail.header.queue_id}",
        f"    Arrived:    {arrived} at {mail.header.edge}",
        f"    Client:     {client.name} [{client.address}], HELO {client.helo}",
        f"    Sender:     <{envelope.sender}>",
        *_listed("    Recipient:  ", stopped.recipients),
        *(f"    Subject:    {subject}" for subject in header_values(mail.content, "Subject")[:1]),
        *_listed("    Report:     ", stopped.reasons),
        f"    Quarantine: {stopped.place}",
        "",
    ]
    if stopped.to.headers_title:
        lines += [f"{stopped.to.headers_title}:", "", *_headers(mail.content), ""]
    if stopped.to.signature:
        lines += [*stopped.to.signature.split("\n"), ""]
    message.set_content("\n".join(printable(line) for line in lines), cte="quoted-printable")
    return message.as_bytes()


def _listed(label: str, values: tuple[str, ...]) -> list[str]:
    lines = [label + value for value in values[:_MOST]]
    if len(values) > _MOST:
        lines.append(f"{label}and {len(values) - _MOST} more")
    return lines


def _headers(content: bytes) -> list[str]:
    """Return the headers of a message as indented lines, so many as fit."""
    shown = b"".join(header_lines(content))[:_MOST_HEADERS].decode("utf-8", "replace")
    return [f"    {line.expandtabs()}" for line in shown.splitlines()]
