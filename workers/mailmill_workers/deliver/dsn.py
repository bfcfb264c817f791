"""Delivery status notifications as bytes: multipart/report (RFC 3462), message/delivery-status (RFC 3464)."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Final

from mailmill.delivery import Delivery
from mailmill.envelope import Recipient, argument
from mailmill_workers.deliver.replies import Reply

_XTEXT: Final = re.compile(r"\+([0-9A-F]{2})")
_SMTP_TEXT: Final = re.compile(r"[245][0-9]{2}(?: |$)")


@dataclass(frozen=True)
class Failed:
    """A recipient that a message did not reach, or not yet."""

    recipient: Recipient
    reply: Reply
    #: The enhanced status code to report (RFC 3463).
    status: str


@dataclass(frozen=True)
class Report:
    """What a notification says, apart from the message that it is about."""

    #: Our host's name.
    host: str
    sender: str
    to: tuple[str, ...]
    subject: str
    #: Seconds since the epoch.
    now: float
    #: The delivery that this notification is: names it in its Message-ID.
    id: str
    #: What people read first; lines ending in LF.
    text: str
    #: The relay as `inet:host:port` or `unix:path`, or `none`.
    relay: str
    #: What became of the recipients (RFC 3464, 2.3.3): `failed` or `delayed`.
    action: str = "failed"
    #: Until when delayed ones are tried, in seconds since the epoch (RFC 3464, 2.3.9).
    retry_until: float | None = None


def render(
    report: Report, about: Delivery, failed: Sequence[Failed], message: bytes, *, whole: bool
) -> bytes:
    """Return the notification, lines ending in LF.

    Args:
        report: what it says.
        about: the delivery that failed.
        failed: its recipients that it did not reach, at least one of them for a proper notification.
        message: the message that failed.
        whole: attach all of `message`, not only its headers.
    """
    boundary = "=_" + hashlib.sha256(message + report.id.encode()).hexdigest()[:32]
    headers = "\n".join(
        [
            f"Date: {_date(report.now)}",
            f"From: Mail delivery <{report.sender}>",
            f"To: {', '.join(_header_safe(address) for address in report.to)}",
            f"Subject: {report.subject}",
            f"Message-ID: <{report.id}@{report.host}>",
            "Auto-Submitted: auto-replied",
            "MIME-Version: 1.0",
            f'Content-Type: multipart/report; report-type=delivery-status;\n\tboundary="{boundary}"',
        ]
    )
    returned = message if whole else _headers_of(message)
    parts = [
        _part("text/plain; charset=utf-8", _text_bytes(report.text)),
        _part("message/delivery-status", _status(report, about, failed).encode("ascii", "replace")),
        _part("message/rfc822" if whole else "text/rfc822-headers", returned),
    ]
    mark = f"--{boundary}".encode()
    body = b"".join(b"\n%s\n%s" % (mark, part) for part in parts)
    eight_bit = b"" if body.isascii() else b"\nContent-Transfer-Encoding: 8bit"
    return _text_bytes(headers) + eight_bit + b"\n" + body + b"\n" + mark + b"--\n"


def _status(report: Report, about: Delivery, failed: Sequence[Failed]) -> str:
    message = [f"Reporting-MTA: dns; {report.host}", f"Arrival-Date: {_date(about.arrival)}"]
    envelope_id = _xtext(argument(about.sender_args, "ENVID") or "")
    if envelope_id:
        message.insert(0, f"Original-Envelope-Id: {envelope_id}")
    groups = [message] + [_recipient_status(report, one) for one in failed]
    return "\n".join("".join(f"{line}\n" for line in group) for group in groups)


def _recipient_status(report: Report, failed: Failed) -> list[str]:
    lines = []
    kind, _, original = (argument(failed.recipient.args, "ORCPT") or "").partition(";")
    if original:
        lines.append(f"Original-Recipient: {_header_safe(kind)}; {_xtext(original)}")
    lines += [
        f"Final-Recipient: {_address(failed.recipient.address)}",
        f"Action: {report.action}",
        f"Status: {failed.status}",
    ]
    if report.relay.startswith("inet:"):
        lines.append(f"Remote-MTA: dns; {report.relay.removeprefix('inet:').rpartition(':')[0]}")
    if failed.reply.text:
        kind = "smtp" if _SMTP_TEXT.match(failed.reply.text) else "x-qmqp"
        lines.append(f"Diagnostic-Code: {kind}; {failed.reply.text}")
    if report.retry_until is not None:
        lines.append(f"Will-Retry-Until: {_date(report.retry_until)}")
    return lines


def _address(address: str) -> str:
    """Return an address with its type; when it is not ASCII, as `utf-8-addr-xtext` (RFC 6533, 3)."""
    if address.isascii():
        return f"rfc822; {_header_safe(address)}"
    return "utf-8; " + "".join(c if c.isascii() else f"\\x{{{ord(c):X}}}" for c in _header_safe(address))


def _xtext(value: str) -> str:
    """Return an ENVID or ORCPT value decoded from xtext (RFC 3461, 4), as one safe line."""
    return _header_safe(_XTEXT.sub(lambda match: chr(int(match[1], 16)), value))


def _header_safe(text: str) -> str:
    return "".join(char if char.isprintable() else "?" for char in text)


def _text_bytes(text: str) -> bytes:
    return text.encode("utf-8", "replace")


def _date(seconds: float) -> str:
    return format_datetime(datetime.fromtimestamp(int(seconds), UTC))


def _headers_of(message: bytes) -> bytes:
    if message.startswith(b"\n"):
        return b""
    headers, _, _ = message.partition(b"\n\n")
    return headers if headers.endswith(b"\n") else headers + b"\n"


def _part(kind: str, data: bytes) -> bytes:
    encoding = "7bit" if data.isascii() else "8bit"
    return f"Content-Type: {kind}\nContent-Transfer-Encoding: {encoding}\n\n".encode() + data
