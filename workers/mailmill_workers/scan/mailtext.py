"""Text from strangers' messages, made safe to be written into ours."""

from __future__ import annotations

import contextlib
import re
from email.errors import HeaderParseError
from email.header import decode_header, make_header
from typing import Final

#: Bytes of a message in which its headers are looked for (Postfix: header_size_limit, 102400).
_HEADER_BYTES: Final = 102_400
#: The longest value of a header that is quoted, in characters.
_LONGEST: Final = 1000


def printable(text: str) -> str:
    """Return text that came from strangers as one printable line."""
    whole = text.encode("utf-8", "surrogatepass").decode("utf-8", "replace")
    return "".join(char if char.isprintable() else "?" for char in whole)


def header_lines(content: bytes) -> list[bytes]:
    """Return the headers of a message as they are, each with its folded lines and its last LF."""
    if content.startswith(b"\n"):
        return []
    end = content.find(b"\n\n", 0, _HEADER_BYTES)
    block = content[: _HEADER_BYTES if end < 0 else end + 1]
    return re.findall(rb"^[!-9;-~]+[ \t]*:.*\n(?:[ \t].*\n)*", block, re.MULTILINE)


def header_values(content: bytes, name: str) -> list[str]:
    """Return the values of all headers of a name, each decoded (RFC 2047) to one printable line."""
    wanted = name.lower().encode("ascii")
    found = []
    for line in header_lines(content):
        field, _, value = line.partition(b":")
        if field.strip().lower() == wanted:
            found.append(_decoded(b" ".join(value.split())))
    return found


def _decoded(value: bytes) -> str:
    text = value.decode("utf-8", "replace")[:_LONGEST]
    # What nobody can decode is shown encoded.
    with contextlib.suppress(HeaderParseError, LookupError, ValueError):
        text = str(make_header(decode_header(text)))
    return printable(text)[:_LONGEST]
