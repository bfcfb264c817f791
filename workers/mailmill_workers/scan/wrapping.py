"""The action attachment: a message inside of a warning, as an attachment, byte for byte."""

from __future__ import annotations

import hashlib
from typing import Final

from mailmill_workers.scan.mailtext import header_lines
from mailmill_workers.scan.reportmail import text_part

#: Headers that stand on the outside too: for people, for threads, and Received against loops.
_OUTSIDE: Final = frozenset(
    {
        b"cc",
        b"date",
        b"from",
        b"in-reply-to",
        b"message-id",
        b"received",
        b"references",
        b"reply-to",
        b"sender",
        b"subject",
        b"to",
    }
)


def outside(content: bytes) -> bytes:
    """Return the headers of a message that stand on the outside, as they are."""
    return b"".join(
        line for line in header_lines(content) if line.partition(b":")[0].strip().lower() in _OUTSIDE
    )


def wrap(content: bytes, headers: bytes, warning: str, shown: bytes) -> tuple[bytes, bytes]:
    """Return what stands in front of a message and behind it; lines end in LF.

    Args:
        content: the message.
        headers: those to put on top.
        warning: the text that people read first.
        shown: those of its own that stand on the outside, see `outside`.
    """
    text = text_part(warning)
    mark = _mark(content, text)
    encoding = b"7bit" if content.isascii() else b"8bit"
    head = (
        headers
        + shown
        + b"MIME-Version: 1.0\n"
        + b'Content-Type: multipart/mixed;\n\tboundary="%s"\n' % mark
        + b"Content-Transfer-Encoding: %s\n" % encoding
        + b"\n--%s\n%s" % (mark, text)
        + b"\n--%s\nContent-Type: message/rfc822\nContent-Transfer-Encoding: %s\n" % (mark, encoding)
        + b"Content-Disposition: attachment\n\n"
    )
    return head, b"\n--%s--\n" % mark


def _mark(content: bytes, text: bytes) -> bytes:
    """Return a boundary that occurs in neither; the same at every try."""
    count = 0
    while True:
        digest = hashlib.sha256(b"%d\n%s" % (count, content)).hexdigest()[:32]
        mark = b"=_" + digest.encode("ascii")
        if mark not in content and mark not in text:
            return mark
        count += 1
