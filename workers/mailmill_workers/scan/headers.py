"""Writing headers that are put on top of a message: folded, ASCII, and never more than one header each."""

from __future__ import annotations

import functools
import textwrap
from email.header import Header
from typing import Final

#: Columns after which a header is folded (RFC 5322, 2.1.1 recommends 78 without the line end).
FOLD_AT: Final = 76
#: Header lines that are remembered: most headers are the same for every message, and folding takes 40 us.
REMEMBERED: Final = 256


def header_block(headers: tuple[tuple[str, str], ...]) -> bytes:
    """Return header lines, each ending in LF; text that is not ASCII is encoded (RFC 2047)."""
    return b"".join(_line(name, value) for name, value in headers)


@functools.lru_cache(REMEMBERED)
def _line(name: str, value: str) -> bytes:
    text = " ".join(value.split())
    if not text.isascii() or not text.isprintable():
        clean = text.encode("utf-8", "surrogatepass").decode("utf-8", "replace")
        clean = "".join(char if char.isprintable() else "?" for char in clean)
        encoded = Header(clean, "utf-8", header_name=name, maxlinelen=FOLD_AT).encode(linesep="\n")
        return f"{name}: {encoded}\n".encode("ascii")
    if len(name) + len(": ") + len(text) <= FOLD_AT:
        return f"{name}: {text}\n".encode("ascii")
    # A word that is too long stays whole: breaking it would change it.
    lines = textwrap.wrap(
        f"{name}: {text}", FOLD_AT, subsequent_indent="\t", break_long_words=False, break_on_hyphens=False
    )
    # A fold right after the name would leave a line of nothing but the name: some readers stop there.
    if len(lines) > 1 and lines[0] == f"{name}:":
        lines[0:2] = [f"{name}: {lines[1].lstrip()}"]
    return ("\n".join(lines) + "\n").encode("ascii")
