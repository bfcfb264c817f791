"""Mail made of a report file: its headers and its text, as a whole message in UTF-8."""

from __future__ import annotations

import quopri
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from email.header import Header
from email.utils import format_datetime
from typing import Final

from mailmill.reports.template import Values, render, split_headers
from mailmill_workers.scan.headers import header_block
from mailmill_workers.scan.mailtext import printable

#: Headers that Mailmill writes itself: what a report file says of them does not count.
_OURS: Final = frozenset(
    {
        "auto-submitted",
        "bcc",
        "content-disposition",
        "content-transfer-encoding",
        "content-type",
        "date",
        "message-id",
        "mime-version",
        "received",
        "return-path",
    }
)
_ADDRESSES: Final = frozenset({"from", "to", "cc", "reply-to", "sender"})
_MAILBOX: Final = re.compile(r'\s*"?([^"<>]*?)"?\s*<([^<>]*)>\s*')
_NAME: Final = re.compile(r"[!-9;-~]+")
#: The longest line of a mail without its line end (RFC 5322, 2.1.1).
_LINE: Final = 998


@dataclass(frozen=True)
class Frame:
    """What a report has besides its text."""

    sender: str
    to: str
    message_id: str
    #: Seconds since the epoch.
    now: float


def report_mail(text: str, values: Values, frame: Frame, returned: bytes | None = None) -> bytes:
    """Return a message with the text of a report file; lines end in LF.

    Args:
        text: the report file.
        values: what is put into it.
        frame: for headers that the file does not have, or may not decide.
        returned: the part with the message that it is about, from its Content-Type header on; None: none.
    """
    templates, body = split_headers(text)
    headers = {
        "from": ("From", frame.sender),
        "to": ("To", frame.to),
        "subject": ("Subject", "About a message"),
    }
    for name_template, value_template in templates:
        name = render(name_template, values)
        value = " ".join(render(value_template, values).split())
        lacks_address = name.lower() in _ADDRESSES and "@" not in value
        if _NAME.fullmatch(name) and name.lower() not in _OURS and not lacks_address:
            headers[name.lower()] = (name, value)
    head = b"".join(_header(name, value) for name, value in headers.values() if value)
    head += header_block(
        (
            ("Date", format_datetime(datetime.fromtimestamp(int(frame.now), UTC))),
            ("Message-ID", frame.message_id),
            ("Auto-Submitted", "auto-replied"),
            ("MIME-Version", "1.0"),
        )
    )
    part = text_part(render(body, values))
    if returned is None:
        return head + part
    mark = f"=_{re.sub('[^A-Za-z0-9]', '', frame.message_id)[:60]}"
    return head + multipart(mark, part, returned)


def multipart(mark: str, *parts: bytes) -> bytes:
    """Return a multipart/mixed from its Content-Type header on."""
    inner = b"".join(b"\n--%s\n%s" % (mark.encode("ascii"), part) for part in parts)
    eight = b"" if inner.isascii() else b"Content-Transfer-Encoding: 8bit\n"
    kind = f'Content-Type: multipart/mixed; boundary="{mark}"\n'.encode("ascii")
    return kind + eight + inner + f"\n--{mark}--\n".encode("ascii")


def text_part(text: str) -> bytes:
    """Return a text as a part, from its Content-Type header on."""
    clean = text.encode("utf-8", "surrogatepass").decode("utf-8", "replace").replace("\r", "").rstrip("\n")
    body = (clean + "\n").encode()
    plain = body.isascii() and b"\0" not in body and all(len(line) <= _LINE for line in body.split(b"\n"))
    encoding = "7bit" if plain else "quoted-printable"
    head = f"Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: {encoding}\n\n"
    return head.encode("ascii") + (body if plain else quopri.encodestring(body))


def _header(name: str, value: str) -> bytes:
    mailbox = _MAILBOX.fullmatch(value)
    if name.lower() not in _ADDRESSES or value.isascii() or not mailbox:
        if name.lower() in _ADDRESSES and not value.isascii():
            return f"{name}: {printable(value)}\n".encode()  # an address that is UTF-8 (RFC 6532)
        return header_block(((name, value),))
    called, address = mailbox[1], printable(mailbox[2])
    if called.isascii():
        shown = f'"{called}" ' if called else ""
    else:
        shown = Header(called, "utf-8").encode(linesep="\n") + " "
    return f"{name}: {shown}<{address}>\n".encode()
