"""The notice to the postmaster: one mail for each stopped message, never one for several."""

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
from mailmill.settings import Settings
from mailmill.settings.options.policy import LOCAL_POSTMASTER, NOTICES_FROM, NOTICES_TO, SEND_NOTICES
from mailmill_workers.mail import Mail
from mailmill_workers.scan.judgement import Verdict

#: Lines end in LF, as everywhere in the cluster; only the way out decides.
_POLICY: Final = EmailPolicy(linesep="\n", cte_type="7bit")
#: The most recipients and reasons that a notice lists.
_MOST: Final = 50


@dataclass(frozen=True)
class Stopped:
    """What a notice tells of a message."""

    verdict: Verdict
    reasons: tuple[str, ...]
    recipients: tuple[str, ...]
    #: Where it is kept.
    place: str


def postmaster_notice(settings: Settings, mail: Mail, stopped: Stopped) -> Delivery | None:
    """Return the notice about a message, or None when nobody wants it.

    Its sender is empty, so that a notice that cannot be delivered makes no further mail.
    """
    addresses = settings[NOTICES_TO]
    if not settings[SEND_NOTICES] or not addresses:
        return None
    covers = tuple(f"notice:{address}" for address in addresses)
    return Delivery(
        id=delivery_id(mail.header.id, covers),
        mail_id=mail.header.id,
        edge=mail.header.edge,
        sender="",
        recipients=tuple(Recipient(address) for address in addresses),
        sender_args=(),
        head=_text(settings, mail, stopped),
        content="",
        covers=covers,
        arrival=mail.header.arrival,
        verdict="notice",
    )


def _text(settings: Settings, mail: Mail, stopped: Stopped) -> bytes:
    addresses = settings[NOTICES_TO]
    envelope = mail.header.envelope
    message = EmailMessage(_POLICY)
    message["From"] = formataddr((settings[NOTICES_FROM], settings[LOCAL_POSTMASTER]))
    message["To"] = ", ".join(addresses)
    message["Subject"] = f"Message stopped: {stopped.verdict}"
    message["Date"] = format_datetime(datetime.fromtimestamp(time.time(), UTC))
    message["Message-ID"] = f"<{mail.header.id}.notice@{mail.header.edge}>"
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
        *_listed("    Report:     ", stopped.reasons),
        f"    Quarantine: {stopped.place}",
        "",
    ]
    message.set_content("\n".join(_clean(line) for line in lines), cte="quoted-printable")
    return message.as_bytes()


def _listed(label: str, values: tuple[str, ...]) -> list[str]:
    lines = [label + value for value in values[:_MOST]]
    if len(values) > _MOST:
        lines.append(f"{label}and {len(values) - _MOST} more")
    return lines


def _clean(text: str) -> str:
    """Return text that came from strangers as one printable line."""
    whole = text.encode("utf-8", "surrogatepass").decode("utf-8", "replace")
    return "".join(char if char.isprintable() else "?" for char in whole)
