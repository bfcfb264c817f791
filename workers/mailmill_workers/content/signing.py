"""A signature at the end of a message's own text; every byte outside of that text stays as it is.

Its own text is the first text/plain and, in a multipart/alternative, the first text/html; no attachments.
What nobody may change is not signed: a message with a cryptographic signature, an encrypted one, a bounce.
"""

from __future__ import annotations

import base64
import binascii
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from mailmill.reports.files import is_charset
from mailmill_workers.content.decoding import undo
from mailmill_workers.content.limits import MAX_DEPTH, BeyondLimitsError
from mailmill_workers.content.names import parameters
from mailmill_workers.content.structure import read, spans, split

#: Bytes of the longest message that is signed. A signed one goes through Redis for each group of recipients.
MAX_SIGNED: Final = 1_000_000

#: The longest line of a mail without its line end (RFC 5322, 2.1.1).
_LINE: Final = 998
#: Headers with which the body is signed: DKIM (RFC 6376), ARC (RFC 8617).
SEALED: Final = ("DKIM-Signature", "ARC-Message-Signature", "ARC-Seal")
_PGP: Final = b"-----BEGIN PGP "
_CODED: Final = frozenset({"base64", "quoted-printable"})
_PLAIN: Final = frozenset({"", "7bit", "8bit", "binary"})
_BODY_END: Final = re.compile(rb"</body[\s>]", re.IGNORECASE)
_HTML_END: Final = re.compile(rb"</html[\s>]", re.IGNORECASE)
_BASE64: Final = re.compile(rb"[A-Za-z0-9+/\s]*+(?:=\s*){0,2}")
#: A line of quoted-printable that goes on in the next one.
_SOFT_END: Final = re.compile(rb"=[ \t]*\n?\Z")
#: What stands for characters that a charset may lack and that have no simpler form in Unicode.
_SIMPLER: Final = str.maketrans(
    {
        "ß": "ss",
        "æ": "ae",
        "ø": "o",
        "\N{HYPHEN}": "-",
        "\N{EN DASH}": "-",
        "\N{EM DASH}": "-",
        "\N{LEFT SINGLE QUOTATION MARK}": "'",
        "\N{RIGHT SINGLE QUOTATION MARK}": "'",
        "\N{LEFT DOUBLE QUOTATION MARK}": '"',
        "\N{RIGHT DOUBLE QUOTATION MARK}": '"',
    }
)


class _NotSignableError(Exception):
    """The message must not be changed."""


@dataclass(frozen=True)
class _Place:
    """A text of a message."""

    kind: str
    encoding: str
    charset: str
    #: Where its encoded bytes begin and end in the message.
    start: int
    stop: int
    #: Boundaries that it stands between.
    boundaries: tuple[str, ...]


def sign(content: bytes, text: str, html: str) -> bytes | None:
    """Return a message with a signature; None when it must not be changed or has no text to sign.

    Args:
        content: RFC 5322 message; lines end in LF.
        text: what is put behind the text/plain part; empty: nothing is.
        html: what is put at the end of the text/html part; empty: nothing is.

    Returns:
        The message. A text whose charset cannot hold the signature, or whose transfer encoding is damaged,
        stays as it is. Characters that are missing become references in HTML, and simpler letters in text.
    """
    if len(content) > MAX_SIGNED:
        return None
    try:
        places = sorted(_chosen(content, text, html), key=lambda place: place.start, reverse=True)
        if any(_PGP in _decoded(content, place) for place in places):
            return None
    except (BeyondLimitsError, _NotSignableError, LookupError, ValueError):
        return None
    signed = content
    for place in places:
        new = _signed(_decoded(content, place), content[place.start : place.stop], place, text, html)
        if new is not None:
            signed = signed[: place.start] + new + signed[place.stop :]
    return None if signed == content else signed


def _decoded(content: bytes, place: _Place) -> bytes:
    return undo(place.encoding, content[place.start : place.stop])


def _chosen(content: bytes, text: str, html: str) -> Iterator[_Place]:
    """Yield the first text of each kind for which there is a signature."""
    header, _ = split(content)
    if any(name in header for name in SEALED):
        raise _NotSignableError
    found: dict[str, _Place] = {}
    for place in _places(content, 0, len(content), ()):
        found.setdefault(place.kind, place)
    for kind, signature in (("text/plain", text), ("text/html", html)):
        if signature.strip() and kind in found:
            yield found[kind]


def _places(content: bytes, start: int, stop: int, around: tuple[str, ...]) -> list[_Place]:
    """Return the texts of the entity between `start` and `stop`, inside of the boundaries `around`."""
    entity = content[start:stop]
    header, body = split(entity)
    headers = read(header, "text/plain")
    begin = stop - len(body)
    if any(len(header.get_all(f"Content-{name}", ())) > 1 for name in ("Type", "Transfer-Encoding")):
        raise _NotSignableError  # programs differ in which of them they believe
    kind = headers.types[0]
    if headers.is_multipart():
        if len(headers.boundaries) != 1 or len(around) >= MAX_DEPTH:
            raise _NotSignableError
        return _inside(content, kind, begin, body, (*around, *headers.boundaries))
    disposition = str(header.get("Content-Disposition", "")).strip().lower()
    if kind not in ("text/plain", "text/html") or headers.names or disposition.startswith("attachment"):
        return []
    if headers.encoding not in _PLAIN | _CODED or not _is_apart(entity, body):
        return []
    types = [value for name, value in header.raw_items() if name.lower() == "content-type"]
    named = [text for value in types for name, text in parameters(value) if name == "charset"]
    charset = named[0] if named else "us-ascii"
    return [_Place(kind, headers.encoding, charset, begin, stop, around)] if is_charset(charset) else []


def _inside(content: bytes, kind: str, begin: int, body: bytes, around: tuple[str, ...]) -> list[_Place]:
    """Return the texts of a multipart: all of alternatives, else those of the first part that has some."""
    if kind not in ("multipart/alternative", "multipart/mixed", "multipart/related"):
        raise _NotSignableError
    found: list[_Place] = []
    for first, last in spans(body, around[-1:]):
        found += _places(content, begin + first, begin + last, around)
        if kind == "multipart/related" or (found and kind == "multipart/mixed"):
            break
    return found


def _is_apart(entity: bytes, body: bytes) -> bool:
    """Return whether what is put behind a body cannot become part of the headers."""
    return bool(body) or entity == b"\n" or entity.endswith(b"\n\n")


def _signed(text: bytes, raw: bytes, place: _Place, plain: str, html: str) -> bytes | None:
    """Return the bytes of a part with its signature; None when it cannot hold it."""
    narrow = place.encoding in ("", "7bit") and raw.isascii()
    charset = "us-ascii" if narrow else place.charset
    if place.kind == "text/plain":
        added, at = _fitting(plain, charset), len(text)
    else:
        added, at = html.encode(charset, "xmlcharrefreplace"), _html_end(text)
    if added is None:
        return None
    added = added.strip(b"\r\n") if place.kind == "text/html" else added.rstrip(b"\r\n")
    canonical = b"\r\n" in text or (place.encoding == "base64" and b"\n" not in text)
    newline = b"\r\n" if canonical else b"\n"
    added = added.replace(b"\n", newline) + newline
    if at and not text.endswith(b"\n", 0, at):
        added = newline + added
    wanted = text[:at] + added + text[at:]
    new = _encoded(wanted, raw, added, at, place)
    if new is None or undo(place.encoding, new) != wanted or _has_boundary(new, place.boundaries):
        return None
    return new


def _html_end(text: bytes) -> int:
    """Return where a signature stands in HTML: before the end of its body."""
    for pattern in (_BODY_END, _HTML_END):
        ends = [match.start() for match in pattern.finditer(text)]
        if ends:
            return ends[-1]
    return len(text)


def _fitting(text: str, charset: str) -> bytes | None:
    """Return a text in a charset, where need be in simpler letters; None when it has no such."""
    for spelling in (text, "".join(_simpler(char, charset) for char in text)):
        try:
            return spelling.encode(charset)
        except UnicodeError:
            continue
    return None


def _simpler(char: str, charset: str) -> str:
    try:
        char.encode(charset)
    except UnicodeError:
        apart = unicodedata.normalize("NFKD", char)
        return "".join(one for one in apart if not unicodedata.combining(one)).translate(_SIMPLER)
    return char


def _encoded(wanted: bytes, raw: bytes, added: bytes, at: int, place: _Place) -> bytes | None:
    """Return `wanted`, which is the decoded `raw` with `added` at `at`, in its transfer encoding."""
    if place.encoding == "base64":
        if not _BASE64.fullmatch(raw):
            return None
        end = len(raw.rstrip())
        return base64.encodebytes(wanted).rstrip(b"\n") + raw[end:]
    if place.encoding == "quoted-printable":
        if at < len(wanted) - len(added):
            return _quoted(wanted)
        soft = _SOFT_END.search(raw)
        return raw + (b"\n" if soft and not soft[0].endswith(b"\n") else b"") + _quoted(added)
    return wanted if all(len(line) <= _LINE for line in added.split(b"\n")) and b"\0" not in added else None


def _quoted(text: bytes) -> bytes:
    """Return a text in quoted-printable."""
    *lines, last = text.split(b"\n")
    # A line end that was written as =0D=0A stays one, else CR CR LF would arrive.
    ended = (
        binascii.b2a_qp(line, istext=False) + (b"=\n=0A=\n" if line.endswith(b"\r") else b"\n")
        for line in lines
    )
    return b"".join(ended) + binascii.b2a_qp(last, istext=False)


def _has_boundary(new: bytes, boundaries: tuple[str, ...]) -> bool:
    """Return whether a line in the part would be read as a boundary."""
    return any(b"--" + boundary.encode("utf-8", "replace") in new for boundary in boundaries)
