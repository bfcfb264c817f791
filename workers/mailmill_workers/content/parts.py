"""The parts of a message: structure, names, decoded bytes.

The standard library reads the headers of each part. The structure below them is read here, because its parser
works line by line and tests each line against every open boundary (docs/adr/0003-mime-structure.md). What is
accepted is the same, and more in two points: all Content-Type headers of a part count, and what follows a
closing boundary too, since some mail program will show it.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from mailmill.findings import Unscannable
from mailmill_workers.content.decoding import undo, uuencoded
from mailmill_workers.content.limits import MAX_ALL_HEADERS, MAX_DEPTH, BeyondLimitsError
from mailmill_workers.content.names import readings
from mailmill_workers.content.part import Part
from mailmill_workers.content.structure import children, read, split

if TYPE_CHECKING:
    from collections.abc import Iterator

_log = logging.getLogger(__name__)


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
        header, body = split(content)
        self._headers += len(content) - len(body)
        if self._headers > MAX_ALL_HEADERS:
            raise BeyondLimitsError(f"headers of more than {MAX_ALL_HEADERS} bytes in all parts")
        headers = read(header, default_type)
        if headers.is_multipart():
            found = children(body, headers.boundaries)
            if not found and undo(headers.encoding, body) != body:  # forbidden by RFC 2045, yet understood
                body = undo(headers.encoding, body)
                found = children(body, headers.boundaries)
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
