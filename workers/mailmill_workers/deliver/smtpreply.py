"""SMTP replies and the extensions that a server offers (RFC 5321, 4.2 and 4.1.1.1)."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from mailmill_workers.deliver.replies import RelayError, Reply, Result, printable

#: Bytes in the longest reply line (RFC 5321 asks for 512; Postfix: line_length_limit, 2048).
LINE_LIMIT: Final = 2048
#: Lines in the longest reply: an EHLO reply has one for each extension.
LINES_LIMIT: Final = 100

_LINE: Final = re.compile(rb"([2-5][0-9]{2})(?:([ -])([^\r\n]*))?\r?\n\Z")


@dataclass(frozen=True)
class SmtpReply:
    """One reply: its code and the text of each of its lines."""

    code: int
    lines: tuple[bytes, ...]

    @property
    def positive(self) -> bool:
        """Whether the command was done (2xx)."""
        return self.code // 100 == 2  # noqa: PLR2004 - the class of the reply, RFC 5321

    @property
    def permanent(self) -> bool:
        """Whether trying again is no use (5xx)."""
        return self.code // 100 == 5  # noqa: PLR2004 - the class of the reply, RFC 5321

    @property
    def text(self) -> str:
        """The reply as one printable line."""
        return printable(b"%d %s" % (self.code, b" ".join(self.lines)))

    def verdict(self) -> Reply:
        """Return what this says of a recipient; what is neither 2xx nor 5xx is a reason to try again."""
        if self.positive:
            return Reply(Result.CONFIRMED, self.text)
        return Reply(Result.REFUSED if self.permanent else Result.DEFERRED, self.text)


class ReplyParser:
    """Takes the lines of one reply."""

    def __init__(self) -> None:
        self._code = b""
        self._lines: list[bytes] = []

    def feed(self, line: bytes) -> SmtpReply | None:
        """Return the reply once its last line is there, else None.

        Raises:
            RelayError: this is not a line of the reply.
        """
        match = _LINE.match(line)
        if not match or (self._code and match[1] != self._code):
            raise RelayError(f"the relay's reply is not SMTP: {printable(line)}")
        self._code = match[1]
        self._lines.append(match[3] or b"")
        if match[2] != b"-":
            return SmtpReply(int(self._code), tuple(self._lines))
        if len(self._lines) >= LINES_LIMIT:
            raise RelayError("the relay's reply does not end")
        return None


async def read_reply(reader: asyncio.StreamReader) -> SmtpReply:
    """Return the next reply.

    Raises:
        RelayError: it is not one, or it is cut short.
    """
    parser = ReplyParser()
    while True:
        try:
            line = await reader.readline()
        except ValueError as exc:  # how StreamReader says that a line is beyond its limit
            raise RelayError("the relay's reply is too long") from exc
        if len(line) > LINE_LIMIT:
            raise RelayError("the relay's reply is too long")
        if not line.endswith(b"\n"):
            raise RelayError("the relay closed the connection")
        reply = parser.feed(line)
        if reply is not None:
            return reply


def extensions(lines: Iterable[bytes]) -> frozenset[str]:
    """Return the keywords in the lines of an EHLO reply, in upper case; the first line is a greeting."""
    return frozenset(
        line.split(maxsplit=1)[0].decode("ascii", "replace").upper()
        for line in list(lines)[1:]
        if line.split()
    )
