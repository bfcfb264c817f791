"""Report files as texts: the site's, in whatever charset they are, or else Mailmill's own."""

from __future__ import annotations

import functools
import importlib.resources
import re
from pathlib import Path
from typing import Final

from msgspec import Struct

_CHARSET: Final = re.compile(
    rb"^Content-Type:[^\n]*\bcharset=[\"']?([A-Za-z0-9_.:-]+)", re.IGNORECASE | re.MULTILINE
)
_BYTES: Final = bytes(range(256))
#: What a file that is not UTF-8 is read as when nothing else helps: every byte is a character there.
LAST_RESORT: Final = "iso-8859-1"


class ReportFile(Struct, frozen=True):
    """Which text to send."""

    #: Where the site has it.
    path: Path
    #: The name of Mailmill's own in `en/`, for when the site has none.
    own: str


@functools.cache
def own_text(name: str) -> str:
    """Return one of Mailmill's own texts, in English."""
    return (importlib.resources.files("mailmill.reports") / "en" / name).read_text(encoding="utf-8")


def decode(data: bytes, charset: str) -> str:
    """Return the text of a report file; lines end in LF.

    Args:
        data: its bytes. Those that are not of its charset become replacement characters.
        charset: of a file that is not UTF-8 and does not name its charset in a Content-Type header.
    """
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = data.decode(_charset(data, charset), "replace")
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _charset(data: bytes, charset: str) -> str:
    named = _CHARSET.search(data.partition(b"\n\n")[0].replace(b"\r", b""))
    for name in (named[1].decode("ascii") if named else "", charset):
        if is_charset(name):
            return name
    return LAST_RESORT


def is_charset(name: str) -> bool:
    """Say whether a name is that of a charset that has ASCII in it, as all that mail is written in."""
    try:
        return _BYTES[:128].decode(name, "replace") == _BYTES[:128].decode("ascii") and bool(
            _BYTES.decode(name, "replace")
        )
    except (LookupError, ValueError):
        return False
