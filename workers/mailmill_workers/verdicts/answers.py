"""Answers as they stand in the cache. What cannot be read is not there."""

from __future__ import annotations

import math
from typing import Any

from mailmill.errors import RecordError
from mailmill.findings import Answer, Clean, Found, Scored
from mailmill.records import decode, encode


def write(answer: Answer) -> bytes:
    """Return an answer as bytes."""
    return encode(answer)


def read(value: bytes | None, kind: Any) -> Answer | None:
    """Return the answer in `value`; None when there is none of that kind, or one that is never kept.

    `kind` is what answers may be: a union of Structs.
    """
    if value is None:
        return None
    try:
        answer: Answer = decode(value, kind)
    except RecordError:
        return None
    match answer:
        case Clean():
            return answer
        case Found(names) if names:
            return answer
        case Scored(score, symbols) if math.isfinite(score) and all(math.isfinite(p) for _, p in symbols):
            return answer
        case _:
            return None
