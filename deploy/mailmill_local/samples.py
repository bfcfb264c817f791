"""The sample messages: what a scanner meets, one of each, and what must become of them."""

from __future__ import annotations

import base64
import enum
import random
import smtplib
import time
from dataclasses import dataclass
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import formatdate
from typing import Final

from mailmill_local.probes import HOST

#: Seconds for each step of the SMTP dialogue.
SMTP_SECONDS: Final = 60.0
SENDER: Final = "sender@example.com"
#: Bytes of the attachment of the large sample; base 64 makes a message of about 5 MB of it.
LARGE_BYTES: Final = 3_700_000

#: The test files of EICAR and of SpamAssassin, in base 64 so that no scanner takes this file for one.
EICAR: Final = base64.b64decode(
    "WDVPIVAlQEFQWzRcUFpYNTQoUF4pN0NDKTd9JEVJQ0FSLVNUQU5EQVJELUFOVElWSVJVUy1URVNULUZJTEUhJEgrSCo="
)
GTUBE: Final = base64.b64decode(
    "WEpTKkM0SkRCUUFETjEuTlNCTjMqMklETkVOKkdUVUJFLVNUQU5EQVJELUFOVEktVUJFLVRFU1QtRU1BSUwqQy4zNFg="
).decode()


class Fate(enum.Enum):
    """What must become of a message."""

    DELIVERED = "delivered"
    MARKED = "delivered and marked as spam"
    QUARANTINED = "quarantined, with a notice"


@dataclass(frozen=True)
class Sample:
    """A message to send."""

    name: str
    #: Its Message-ID: by this it is found again.
    message_id: str
    recipients: tuple[str, ...]
    #: The message with CRLF line ends.
    data: bytes
    fate: Fate


@dataclass(frozen=True)
class Sent:
    """A message that was sent."""

    sample: Sample
    #: The last reply of the edge.
    reply: str
    #: The queue id that the edge told; empty when it took no responsibility.
    queue_id: str
    #: Monotonic clock, seconds.
    at: float


def samples(run: str) -> list[Sample]:
    """Return the samples; `run` (letters and digits) makes those of one run different from all others."""
    return [
        _sample(run, "clean", ["anna@example.com"], Fate.DELIVERED, text="Shall we meet at noon?\n"),
        _sample(
            run,
            "three recipients",
            ["anna@example.com", "bruno@example.org", "carla@example.net"],
            Fate.DELIVERED,
            text="To all of you.\n",
        ),
        _sample(
            run,
            "eight bit",
            ["dora@example.org"],
            Fate.DELIVERED,
            text="Grüße aus Łódź: ça va, naïve café?\n.dot\n",
            cte="8bit",
        ),
        _sample(
            run,
            "large",
            ["emil@example.com"],
            Fate.DELIVERED,
            text="The photograph.\n",
            attachment=("photo.jpg", "image", "jpeg", _photograph()),
        ),
        _sample(
            run,
            "virus",
            ["anna@example.com", "bruno@example.org"],
            Fate.QUARANTINED,
            text="Your invoice.\n",
            attachment=("invoice.txt", "application", "octet-stream", EICAR),
        ),
        _sample(
            run,
            "program",
            ["fritz@example.org"],
            Fate.QUARANTINED,
            text="Please run this.\n",
            attachment=("setup.exe", "application", "octet-stream", b"MZ" + bytes(510)),
        ),
        _sample(run, "spam", ["gerda@example.com"], Fate.MARKED, text=f"Buy now.\n{GTUBE}\n"),
    ]


def send(sample: Sample, port: int) -> Sent:
    """Send a sample to the edge.

    Raises:
        OSError: the connection fails (smtplib's errors are ones too).
    """
    with smtplib.SMTP(HOST, port, local_hostname="client.example.com", timeout=SMTP_SECONDS) as client:
        client.ehlo()
        replies = [client.mail(SENDER, ["BODY=8BITMIME", f"SIZE={len(sample.data)}"])]
        replies += [client.rcpt(recipient) for recipient in sample.recipients]
        try:
            replies.append(client.data(sample.data))
        except smtplib.SMTPResponseException as error:
            replies.append((error.smtp_code, bytes(str(error.smtp_error), "utf-8")))
    refused = [reply for reply in replies if reply[0] >= 400]  # noqa: PLR2004 - RFC 5321, 4.2.1
    code, text = refused[0] if refused else replies[-1]
    words = text.decode("utf-8", "replace").replace("\n", " ")
    taken = code == 250 and " queued as " in words  # noqa: PLR2004 - RFC 5321: completed
    return Sent(sample, f"{code} {words}", words.rsplit(" ", 1)[-1] if taken else "", time.monotonic())


def _sample(
    run: str,
    name: str,
    recipients: list[str],
    fate: Fate,
    *,
    text: str,
    cte: str = "7bit",
    attachment: tuple[str, str, str, bytes] | None = None,
) -> Sample:
    message = EmailMessage(policy=SMTP.clone(cte_type="8bit"))
    message["From"] = f"Sample <{SENDER}>"
    message["To"] = ", ".join(recipients)
    message["Subject"] = f"Sample: {name}"
    message["Date"] = formatdate()
    message_id = f"<{name.replace(' ', '-')}.{run}@example.com>"
    message["Message-ID"] = message_id
    message.set_content(text, cte=cte)
    if attachment:
        filename, maintype, subtype, data = attachment
        message.add_attachment(data, maintype=maintype, subtype=subtype, filename=filename)
    return Sample(name, message_id, tuple(recipients), message.as_bytes(), fate)


def _photograph() -> bytes:
    """Return bytes that look like a photograph and cannot be compressed; the same at every call."""
    return b"\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01\x01" + random.Random(1).randbytes(LARGE_BYTES)  # noqa: S311
