"""Transfer encodings, undone as tolerantly as mail programs do it."""

from __future__ import annotations

import binascii
import re
from collections.abc import Iterator
from typing import Final

_BASE64: Final = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/")
_NOT_BASE64: Final = bytes(byte for byte in range(256) if byte not in _BASE64)
#: Base 64 characters that make three bytes.
_QUANTUM: Final = 4

_UU_BEGIN: Final = re.compile(rb"^begin [0-7]{3,4} ([^\r\n]+)\r?\n", re.MULTILINE)

#: Characters that encoders put behind the letters of a line (a checksum, padding).
_UU_SPARE: Final = 2

_UU_WORDS: Final = frozenset({"uuencode", "x-uuencode", "uue", "x-uue"})


def undo(encoding: str, content: bytes) -> bytes:
    """Return `content` without the transfer encoding of this name; as it is when the name is not known."""
    match encoding:
        case "base64":
            return _base64(content)
        case "quoted-printable":
            return binascii.a2b_qp(content)
        case _ if encoding in _UU_WORDS:
            for _, decoded in uuencoded(content):
                return decoded
    return content


def _base64(content: bytes) -> bytes:
    letters = content.translate(None, _NOT_BASE64)
    spare = len(letters) % _QUANTUM
    if spare == 1:
        letters = letters[:-1]
    elif spare:
        letters += b"=" * (_QUANTUM - spare)
    return binascii.a2b_base64(letters)


def uuencoded(content: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield name and bytes of each uuencoded file in a text.

    A file ends at its `end` line or where a line is not uuencoded; the search goes on behind it, so that the
    time grows with the length of the text alone.
    """
    position = 0
    while begin := _UU_BEGIN.search(content, position):
        pieces = []
        position = begin.end()
        while position < len(content):
            newline = content.find(b"\n", position)
            end = len(content) if newline < 0 else newline
            line = content[position:end].rstrip(b"\r")
            decoded = _uu_line(line)
            if decoded is None:
                break
            pieces.append(decoded)
            position = end + 1
        if pieces:
            yield begin[1].strip(), b"".join(pieces)


def _uu_line(line: bytes) -> bytes | None:
    """Return the bytes of one line (uuencode, POSIX); None when it is not one."""
    if not line or not b" " <= line[:1] <= b"`":
        return None
    length = (line[0] - 32) & 63
    letters = (length + 2) // 3 * 4
    if len(line) - 1 > letters + _UU_SPARE:
        return None
    try:
        return binascii.a2b_uu(line[: 1 + letters])
    except binascii.Error:
        return None
