"""Text from the wire made harmless: for headers and for the log."""

from __future__ import annotations

from typing import Final

#: What Postfix neuters in names that a client chose before they enter a Received header (smtpd.c).
_NEUTERED: Final = str.maketrans(dict.fromkeys(' <>()\\";@', "?"))


def printable(text: str, *, utf8: bool = False) -> str:
    """Return `text` with `?` for what is not printable ASCII, or not printable at all with `utf8`."""
    if text.isprintable() and (utf8 or text.isascii()):
        return text
    return "".join(
        char if char.isprintable() and (utf8 or char.isascii()) else "?" for char in text
    )  # a lone surrogate is not printable


def neuter(text: str) -> str:
    """Return a name for a Received header: printable ASCII without anything that could end a comment."""
    return printable(text).translate(_NEUTERED)
