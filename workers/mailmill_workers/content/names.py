"""The names of a part: what a mail program may make of Content-Disposition and Content-Type.

Programs differ in how they read broken headers, and an attachment is dangerous under the name that one of
them shows. So every reading counts: the text as it stands, RFC 2231, RFC 2047 (also where it is not allowed),
and the name without what a file system or a screen leaves out.
"""

from __future__ import annotations

import binascii
import re
import unicodedata
from email.errors import MessageError
from email.header import decode_header
from email.message import Message
from email.utils import collapse_rfc2231_value
from typing import Final

from mailmill_workers.content.limits import MAX_HEADER_VALUE, MAX_NAME, BeyondLimitsError

_FOLD: Final = re.compile(r"[\r\n]+(?=[ \t])|[\r\n]+\Z")
_NAME_PARAMETER: Final = re.compile(r"(?:file)?name(?:\*.*)?\Z", re.IGNORECASE | re.DOTALL)
_SEPARATOR: Final = re.compile(r"[/\\]")

#: Unicode categories that no screen shows: controls, and format characters such as U+202E and U+200B.
_UNSEEN: Final = frozenset({"Cc", "Cf"})


def parameters(value: str) -> list[tuple[str, str]]:
    """Return the parameters of one Content-Type or Content-Disposition header, decoded by RFC 2231.

    Args:
        value: the header as the parser keeps it: folded, with surrogates for bytes that are not ASCII.

    Raises:
        BeyondLimitsError: the header is longer than MAX_HEADER_VALUE.
    """
    if len(value) > MAX_HEADER_VALUE:
        raise BeyondLimitsError(f"a Content header of more than {MAX_HEADER_VALUE} characters")
    if "=" not in value:
        return []
    reader = Message()
    reader["Content-Type"] = _text(value)
    return [(name.lower(), collapse_rfc2231_value(text)) for name, text in reader.get_params(failobj=[])]


def names(headers: list[str]) -> tuple[str, ...]:
    """Return every name in these Content-Disposition and Content-Type headers, without repetition.

    Raises:
        BeyondLimitsError: a header or a name is too long to be looked at.
    """
    given = [
        content
        for value in headers
        for name, content in parameters(value)
        if _NAME_PARAMETER.match(name) and content
    ]
    return readings(given)


def readings(given: list[str]) -> tuple[str, ...]:
    """Return these names with their other readings: first as shown on a screen, then as they stand.

    Raises:
        BeyondLimitsError: a name is longer than MAX_NAME.
    """
    decoded = []
    for name in given:
        if len(name) > MAX_NAME:
            raise BeyondLimitsError(f"a file name of more than {MAX_NAME} characters")
        decoded.append(_decode_words(name))
    shown = [_as_shown(name) for name in decoded]
    return tuple(dict.fromkeys(name for name in (*shown, *decoded, *given) if name))


def _text(value: str) -> str:
    raw = _FOLD.sub("", value).encode("utf-8", "surrogateescape")
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw.decode("latin-1")


def _decode_words(name: str) -> str:
    if "=?" not in name:
        return name
    try:
        words = decode_header(name)
    except (MessageError, binascii.Error, ValueError):
        return name  # what cannot be decoded is shown as it stands
    return "".join(_decode_word(word, charset) for word, charset in words)


def _decode_word(word: bytes | str, charset: str | None) -> str:
    if isinstance(word, str):
        return word
    try:
        return word.decode(charset or "latin-1", errors="replace")
    except (LookupError, ValueError):  # a charset that is none
        return word.decode("latin-1")


def _as_shown(name: str) -> str:
    seen = "".join(char for char in name if unicodedata.category(char) not in _UNSEEN)
    last = _SEPARATOR.split(seen.strip("\"' "))[-1]
    return last.strip("\"'<> ").rstrip(". ")
