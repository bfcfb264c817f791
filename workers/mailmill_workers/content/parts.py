"""The parts of a message: structure, names, decoded bytes.

The standard library reads the headers of each part. The structure below them is read here, because its parser
works line by line and tests each line against every open boundary (docs/adr/0003-mime-structure.md). What is
accepted is the same, and more in two points: all Content-Type headers of a part count, and what follows a
closing boundary too, since some mail program will show it.
"""

from __future__ import annotations

import logging
import re
from dataclasses import dataclass
from email.message import Message
from email.parser import BytesHeaderParser
from email.policy import compat32
from typing import TYPE_CHECKING, Final

from mailmill.findings import Unscannable
from mailmill_workers.content.decoding import undo, uuencoded
from mailmill_workers.content.limits import (
    MAX_ALL_HEADERS,
    MAX_BOUNDARIES,
    MAX_DEPTH,
    MAX_HEADERS,
    BeyondLimitsError,
)
from mailmill_workers.content.names import names, parameters, readings
from mailmill_workers.content.part import Part

if TYPE_CHECKING:
    from collections.abc import Iterator

_log = logging.getLogger(__name__)

_BLANK_LINE: Final = re.compile(rb"(?:\r\n|\n|\r(?!\n)){2}")
_NEWLINE: Final = re.compile(rb"\r\n|\n|\r|\Z")
_TYPE: Final = re.compile(r"[^\s;/]+/[^\s;/]+")

_NESTED: Final = frozenset({"message/rfc822", "message/global"})


def unpack(content: bytes, max_parts: int) -> tuple[Part, ...] | Unscannable:
    """Return the parts of a message in their order, outer before inner.

    Args:
        content: RFC 5322 message.
        max_parts: how many parts are looked into (`Maximum Message Parts`).

    Returns:
        Every entity: leaves with their decoded bytes, multiparts and nested messages with none.
        `Unscannable` when the message is beyond a limit or cannot be understood.

    Raises:
        MemoryError: this process has none left, perhaps because of another message.
    """
    try:
        return tuple(_Walk(max_parts).message(content, ()))
    except BeyondLimitsError as exc:
        return Unscannable(str(exc))
    except MemoryError:
        raise
    except Exception as exc:  # noqa: BLE001 - whatever broke the parser, nobody has looked into the message
        _log.exception("a message cannot be unpacked")
        return Unscannable(f"its structure cannot be read ({type(exc).__name__})")


@dataclass(frozen=True)
class _Headers:
    """What the headers of an entity say."""

    types: tuple[str, ...]
    boundaries: tuple[str, ...]
    encoding: str
    names: tuple[str, ...]

    def is_nested(self) -> bool:
        return any(kind in _NESTED for kind in self.types)

    def is_multipart(self) -> bool:
        return any(kind.startswith("multipart/") for kind in self.types)


class _Walk:
    """One walk through a message; counts what it finds."""

    def __init__(self, max_parts: int) -> None:
        self._max_parts = max_parts
        self._parts = 0
        self._headers = 0

    def message(self, content: bytes, path: tuple[int, ...]) -> Iterator[Part]:
        return self._entity(content, path, "text/plain")

    def _entity(self, content: bytes, path: tuple[int, ...], default_type: str) -> Iterator[Part]:
        self._count(path)
        header, body = _split(content)
        self._headers += len(content) - len(body)
        if self._headers > MAX_ALL_HEADERS:
            raise BeyondLimitsError(f"headers of more than {MAX_ALL_HEADERS} bytes in all parts")
        headers = _read(header, default_type)
        if headers.is_multipart():
            found = _children(body, headers.boundaries)
            if not found and undo(headers.encoding, body) != body:  # forbidden by RFC 2045, yet understood
                body = undo(headers.encoding, body)
                found = _children(body, headers.boundaries)
            yield Part(path, headers.types[0], headers.names, b"" if found else body)
            default_type = "message/rfc822" if "multipart/digest" in headers.types else "text/plain"
            for index, child in enumerate(found):
                yield from self._entity(child, (*path, index), default_type)
            return
        body = undo(headers.encoding, body)
        if headers.is_nested():
            yield Part(path, headers.types[0], headers.names, b"")
            yield from self.message(body, (*path, 0))
            return
        yield Part(path, headers.types[0], headers.names, body)
        if headers.types[0].startswith("text/"):
            for index, (name, decoded) in enumerate(uuencoded(body)):
                self._count(path)
                text = name.decode("utf-8", errors="replace")
                yield Part((*path, index), "application/octet-stream", readings([text]), decoded)

    def _count(self, path: tuple[int, ...]) -> None:
        self._parts += 1
        if self._parts > self._max_parts:
            raise BeyondLimitsError(f"more than {self._max_parts} parts")
        if len(path) > MAX_DEPTH:
            raise BeyondLimitsError(f"parts inside each other more than {MAX_DEPTH} deep")


def _split(content: bytes) -> tuple[Message, bytes]:
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


def _read(header: Message, default_type: str) -> _Headers:
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
    return _Headers(
        types=tuple(kind for _, kind in types) or (default_type,),
        boundaries=tuple(dict.fromkeys(boundaries)),
        encoding=encoding,
        names=names([*dispositions, *(value for value, _ in types)]),
    )


def _children(body: bytes, boundaries: tuple[str, ...]) -> list[bytes]:
    """Return the bytes of each part between lines that are a boundary."""
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
        found.append(_without_last_newline(body[start:stop]))
    return found


def _as_bytes(boundary: str) -> tuple[bytes, bytes]:
    """Return the bytes that a boundary may stand for: it should be ASCII, where both are the same."""
    return boundary.encode("utf-8", "replace"), boundary.encode("latin-1", "replace")


def _boundary_line(boundary: bytes) -> re.Pattern[bytes]:
    """Return the pattern of a whole line; it begins with a literal, which makes the search fast."""
    text = re.escape(b"--" + boundary)
    return re.compile(rb"%b(?<![^\r\n]%b)(--)?+[ \t]*+(?![^\r\n])" % (text, text))


def _without_last_newline(content: bytes) -> bytes:
    """Return the part without the line end that belongs to the boundary behind it (RFC 2046, 5.1.1)."""
    if content.endswith(b"\r\n"):
        return content[:-2]
    return content[:-1] if content.endswith((b"\n", b"\r")) else content
