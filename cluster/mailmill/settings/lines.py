"""The lines of MailScanner's files: comments, continuation, encoding.

A `#` begins a comment wherever it stands, as in MailScanner. A line that ends in a backslash goes on in the
next one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

from mailmill.settings.files import DiskFiles, Files

#: Control characters other than the tab, and bytes that are not UTF-8 (as surrogates).
_UNREADABLE: Final = re.compile("[\x00-\x08\x0a-\x1f\x7f\udc80-\udcff]")


class Line(NamedTuple):
    """One line that says something, without comment and surrounding space."""

    #: The number of its first line in the file, from 1.
    number: int
    text: str


def read_lines(
    path: Path, problems: list[str], warnings: list[str], files: Files | None = None, named_by: str = ""
) -> Iterator[Line]:
    """Yield the lines of a file; what is wrong is added to `problems` and `warnings`, with file and line.

    Args:
        path: the file.
        problems: gets what is an error.
        warnings: gets what is odd.
        files: where it is read from; None: the disk.
        named_by: what names the file (`file:line: option`), for the complaint that it cannot be read.
    """
    try:
        data = (files or DiskFiles()).read(path)
    except (OSError, ValueError) as exc:  # ValueError: a NUL in the path
        reason = getattr(exc, "strerror", None) or exc
        problems.append(f"{named_by}{': ' if named_by else ''}{path}: cannot be read: {reason}")
        return
    text = data.removeprefix(b"\xef\xbb\xbf").decode("utf-8", "surrogateescape")
    start, joined = 0, ""
    for number, raw in enumerate(f"{text}\n".split("\n"), 1):
        kept, mark, _ = raw.partition("#")
        if mark and kept and not kept[-1].isspace():
            warnings.append(f"{path}:{number}: everything after # is a comment")
        kept = kept.strip()
        if _UNREADABLE.search(kept):
            problems.append(f"{path}:{number}: the line has control characters or is not UTF-8")
            kept = ""
        start = start or number
        if kept.endswith("\\"):
            joined += kept[:-1].rstrip() + " "
            continue
        if whole := (joined + kept).strip():
            yield Line(start, whole)
        start, joined = 0, ""
