"""Records as JSON: one way to write the frozen types to disk, to Redis and back.

msgspec writes and reads them; it checks types and turns bytes into base64. It refuses lone surrogates
(bytes that were not UTF-8 on the wire), which the standard library's JSON writes as escapes: what holds
some goes through that, ten times as slow.
"""

from __future__ import annotations

import json
from typing import Any, TypeVar

import msgspec

from mailmill.errors import RecordError

T = TypeVar("T")


def encode(record: msgspec.Struct) -> bytes:
    """Return a record as one line of ASCII JSON without its line end."""
    try:
        line = msgspec.json.encode(record)
    except UnicodeEncodeError:
        line = b""
    if line and line.isascii():
        return line
    return json.dumps(msgspec.to_builtins(record), separators=(",", ":")).encode("ascii")


def decode(data: bytes, kind: type[T] | Any) -> T:
    """Return the record of type `kind` (a Struct or a tagged union of Structs) in `data`.

    Raises:
        RecordError: the bytes are not JSON, or not a record of that type.
    """
    record: T
    try:
        record = msgspec.json.decode(data, type=kind)
    except (ValueError, RecursionError):
        pass  # the other way knows more, or tells what is wrong
    else:
        return record
    try:
        record = msgspec.convert(json.loads(data), kind)
    except (ValueError, RecursionError) as exc:  # msgspec.ValidationError is a ValueError
        raise RecordError(f"not a {getattr(kind, '__name__', 'known')} record: {exc}") from exc
    return record
