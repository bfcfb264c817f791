"""How an entity of a message is read: its headers, where its body begins, where its parts stand."""

from __future__ import annotations

import re
from dataclasses import dataclass
from email.message import Message
from email.parser import BytesHeaderParser
from email.policy import compat32
from typing import Final

from mailmill_workers.content.limits import MAX_BOUNDARIES, MAX_HEADERS, BeyondLimitsError
from mailmill_workers.content.names import names, parameters

_BLANK_LINE: Final = re.compile(rb"(?:\r\n|\n|\r(?!\n)){2}")
_NEWLINE: Final = re.compile(rb"\r\n|\n|\r|\Z")
#: A subtype may be missing: readers take `multipart/` for a multipart.
_TYPE: Final = re.compile(r"[^\s;/]+/[^\s;/]*")

_NESTED: Final = frozenset({"message/rfc822", "message/global"})


@dataclass(frozen=True)
class Headers:
    """What the headers of an entity say."""

    types: tuple[str, ...]
    boundaries: tuple[str, ...]
    encoding: str
    names: tuple[str, ...]

    def is_nested(self) -> bool:
        """Return whether the body is a message."""
        return any(kind in _NESTED for kind in self.types)

    def is_multipart(self) -> bool:
        """Return whether the body is parts between boundaries."""
        return any(kind.startswith("multipart/") for kind in self.types)


def split(content: bytes) -> tuple[Message, bytes]:
    """Return headers and body. Without a blank line the body begins at the first line that is no header."""
    if content.startswith((b"\n", b"\r")):
        newline = _NEWLINE.match(content)
        return Message(), content[newline.end() if newline else 0 :]
    usual = content.find(b"\n\n", 0, MAX_HEADERS)  # much faster than the pattern
    blank = _BLANK_LINE.search(content, 0, usual + 2 if usual >= 0 else MAX_HEADERS)
    reach = blank.end() if blank else min(len(content), MAX_HEADERS)
    header = BytesHeaderParser(policy=compat32).parsebytes(content[:reach])
    rest = header.get_payload()
    left = len(rest) if isinstance(rest, str) else 0  # one character for each byte
    if not blank and not left and reach < len(content):
        raise BeyondLimitsError(f"headers of more than {MAX_HEADERS} bytes")
    return header, content[reach - left :]


def read(header: Message, default_type: str) -> Headers:
    """Return what the headers of an entity say; `default_type` is its type when they do not.

    Raises:
        BeyondLimitsError: a header or a name is too long to be looked at.
    """
    types, boundaries, dispositions, encoding = [], [], [], ""
    for name, value in header.raw_items():
        match name.lower():
            case "content-type":
                found = _TYPE.match(value.strip())
                types.append((value, found[0].lower() if found else "text/plain"))
            case "content-disposition":
                dispositions.append(value)
            case "content-transfer-encoding" if not encoding:
                encoding = value.strip().lower()
    for value, kind in types:
        if kind.startswith("multipart/"):
            boundaries += [text.rstrip() for name, text in parameters(value) if name == "boundary"]
    return Headers(
        types=tuple(kind for _, kind in types) or (default_type,),
        boundaries=tuple(dict.fromkeys(boundaries)),
        encoding=encoding,
        names=names([*dispositions, *(value for value, _ in types)]),
    )


def children(body: bytes, boundaries: tuple[str, ...]) -> list[bytes]:
    """Return the bytes of each part between lines that are a boundary."""
    return [body[start:stop] for start, stop in spans(body, boundaries)]


def spans(body: bytes, boundaries: tuple[str, ...]) -> list[tuple[int, int]]:
    """Return where in a multipart's body each part begins and ends.

    Raises:
        BeyondLimitsError: more than MAX_BOUNDARIES boundaries.
    """
    if len(boundaries) > MAX_BOUNDARIES:
        raise BeyondLimitsError(f"a part with more than {MAX_BOUNDARIES} boundaries")
    lines = sorted(
        (line.start(), line.end(), line[1] is not None)
        for boundary in dict.fromkeys(name for text in boundaries for name in _as_bytes(text))
        for line in _boundary_line(boundary).finditer(body)
    )
    found = []
    for index, (_, end, closes) in enumerate(lines):
        if closes:
            continue
        newline = _NEWLINE.match(body, end)
        start = newline.end() if newline else end
        stop = lines[index + 1][0] if index + 1 < len(lines) else len(body)
        found.append((start, _before_last_newline(body, start, stop)))
    return found


def _as_bytes(boundary: str) -> tuple[bytes, bytes]:
    """Return the bytes that a boundary may stand for: it should be ASCII, where both are the same."""
    return boundary.encode("utf-8", "replace"), boundary.encode("latin-1", "replace")


def _boundary_line(boundary: bytes) -> re.Pattern[bytes]:
    """Return the pattern of a whole line; it begins with a literal, which makes the search fast."""
    text = re.escape(b"--" + boundary)
    return re.compile(rb"%b(?<![^\r\n]%b)(--)?+[ \t]*+(?![^\r\n])" % (text, text))


def _before_last_newline(body: bytes, start: int, stop: int) -> int:
    """Return where a part ends: the line end in front of a boundary belongs to that (RFC 2046, 5.1.1)."""
    if body.endswith(b"\r\n", start, stop):
        return stop - 2
    return stop - 1 if body.endswith((b"\n", b"\r"), start, stop) else stop
