"""A tag in the subject of a message: something is inserted into its headers, and no byte of them is changed.

The text of the subject stays as it is written, whatever its charset and folding are: a tag stands in front of
it or behind it, apart by a blank or a fold.
"""

from __future__ import annotations

import re
from email.header import Header
from typing import Final, NamedTuple

from mailmill.settings.options.choices import SubjectPlace

#: Bytes after which a line is folded (RFC 5322, 2.1.1 recommends 78 without the line end).
_FOLD_AT: Final = 78
#: The first one counts: it is what mail programs show.
_SUBJECT: Final = re.compile(rb"^subject[ \t]*:([^\n]*(?:\n[ \t][^\n]*)*)", re.IGNORECASE | re.MULTILINE)


class Insertion(NamedTuple):
    """What is inserted into a message."""

    #: How many bytes of the message stand in front of it.
    at: int
    added: bytes

    def into(self, content: bytes) -> bytes:
        """Return the message with it."""
        return content[: self.at] + self.added + content[self.at :]


def tag_subject(content: bytes, text: str, place: SubjectPlace) -> Insertion:
    """Return what puts a tag into the first Subject header; a message without one gets one on top.

    Args:
        content: RFC 5322 message; lines end in LF.
        text: the tag, one printable line, not empty. Encoded when it is not ASCII (RFC 2047).
        place: START or END of the subject.
    """
    end = 0 if content.startswith(b"\n") else content.find(b"\n\n")
    header = _SUBJECT.search(content, 0, len(content) if end < 0 else end)
    if header is None:
        return Insertion(0, b"Subject: " + _encoded(text) + b"\n")
    if place is SubjectPlace.END and header[1].strip():
        return _behind(content, header, text)
    return _in_front(content, header, text)


def _in_front(content: bytes, header: re.Match[bytes], text: str) -> Insertion:
    line = header[1].partition(b"\n")[0]
    rest = line.lstrip(b" \t")
    if not rest:
        # Nothing stands in this line: what follows is folded already, or empty.
        return Insertion(header.start(1), b" " + _apart(text, header[1].lstrip(), b""))
    at = header.start(1) + len(line) - len(rest)
    added = b" " * (at == header.start(1)) + _apart(text, rest, b"")
    before = content[header.start() : at] + added
    return Insertion(at, added + _blank(before.rpartition(b"\n")[2], rest))


def _behind(content: bytes, header: re.Match[bytes], text: str) -> Insertion:
    # A CR at its end is no part of the text.
    value = header[1].rstrip(b"\r")
    at = header.start(1) + len(value)
    added = _apart(text, b"", value.rstrip())
    before = content[header.start() : at]
    return Insertion(at, _blank(before.rpartition(b"\n")[2], added.partition(b"\n")[0]) + added)


def _blank(before: bytes, behind: bytes) -> bytes:
    """Return what keeps two texts apart in a line: a blank, or a fold if it gets too long."""
    return b" " if len(before) + 1 + len(behind) <= _FOLD_AT else b"\n "


def _apart(text: str, behind: bytes, before: bytes) -> bytes:
    """Return an encoded tag; the blank between two encoded words does not count, so the tag has its own."""
    if not text.isascii() and behind.startswith(b"=?"):
        text = f"{text} "
    if not text.isascii() and before.endswith(b"?="):
        text = f" {text}"
    return _encoded(text)


def _encoded(text: str) -> bytes:
    if text.isascii():
        return text.encode("ascii")
    return Header(text, "utf-8", header_name="Subject").encode(linesep="\n").encode("ascii")
