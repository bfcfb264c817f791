"""spamd, through aiospamc (SPAMC/1.5).

REPORT is asked for, because only the table in the report gives the points of each rule. Where a site has its
own report template without that table, the score alone comes out. The table is the one thing in the report
that the sender does not write (a content preview stands above it), so only what follows the last ruler is
read.

SpamAssassin learns of the client from the topmost Received line, which the edge writes, and of the envelope
sender from X-Envelope-From, which is put on top of what it is given.
"""

from __future__ import annotations

import contextlib
import math
import re
from pathlib import Path
from typing import TYPE_CHECKING, Final

from aiospamc.client import Client
from aiospamc.connections import ConnectionManager, TcpConnectionManager, Timeout, UnixConnectionManager
from aiospamc.exceptions import AIOSpamcConnectionFailed, BadResponse
from aiospamc.requests import Request
from aiospamc.responses import ResponseException

from mailmill.findings import Scored
from mailmill_workers.engines.addresses import Address, UnixAddress
from mailmill_workers.engines.silence import Silence
from mailmill_workers.engines.turns import NoAnswerError, Turns

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Sequence

    from mailmill.findings import SpamAnswer
    from mailmill_workers.mail import Mail

#: Messages that one scan task has at one spamd at the same time (spamd: --max-children, default 5).
CONCURRENCY: Final = 5

#: The line above the table of rules in a report.
_RULER: Final = re.compile(r"^-{3,} -{3,} -{3,}$", re.MULTILINE)

#: One line of the table: points, rule. Lines that go on with a description are indented further.
_ROW: Final = re.compile(r"^ {0,2}(-?[0-9]+(?:\.[0-9]+)?) +([A-Za-z_][A-Za-z0-9_]*)(?: |$)", re.MULTILINE)

#: Servers that hang, for as long as this process lives.
_silence: Silence[Address] = Silence()

_UNSAFE_IN_SENDER: Final = re.compile(r"[^\x21-\x7e]")


class Spamd:
    """The spam engine `spamassassin`."""

    name: Final = "spamassassin"

    def __init__(self, servers: Sequence[Address], limit: float) -> None:
        """Take the servers to be tried in turn, and the time for one message at one of them in seconds."""
        self.servers: Final = tuple(servers)
        self._turns = Turns(servers, limit, CONCURRENCY, _silence)
        self._limit = limit

    async def check(self, mail: Mail) -> SpamAnswer:
        """Return SpamAssassin's score; `Failed` when no server gives one."""
        content = with_sender(mail)
        return await self._turns.ask(lambda server: self._check(server, content))

    def told(self, mail: Mail) -> tuple[str, ...]:
        """Return the sender, and the one recipient that SpamAssassin finds in the edge's Received header."""
        recipients = mail.envelope.recipients
        return (mail.envelope.sender, recipients[0].address if len(recipients) == 1 else "")

    async def version(self) -> str | None:
        """Return nothing: spamd tells neither its version nor that of its rules."""
        return ""

    async def close(self) -> None:
        """Nothing to give back: a connection ends with its message."""

    async def _check(self, server: Address, content: bytes) -> Scored:
        connection = _connection(server, Timeout(total=self._limit))
        try:
            response = await Client(connection).request(Request("REPORT", body=content))
        except AIOSpamcConnectionFailed as exc:
            raise NoAnswerError(str(exc.__cause__ or exc) or "cannot be reached") from exc
        except ResponseException as exc:
            raise NoAnswerError(str(exc.response.message)) from exc
        except BadResponse as exc:
            raise NoAnswerError("not an answer of spamd") from exc
        finally:
            connection.hang_up()
        spam = response.headers.get("Spam")
        score = getattr(spam, "score", None)
        if not isinstance(score, float) or not math.isfinite(score):
            raise NoAnswerError("an answer without a score")
        return Scored(score, rows(response.body.decode("utf-8", errors="replace")))


class _HangUp(ConnectionManager):  # type: ignore[misc]  # the library has no types
    """A connection that is closed at the end, whatever happened (aiospamc leaves it open after a fault)."""

    _writer: asyncio.StreamWriter | None = None

    async def open(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Open the connection and remember it."""
        reader, self._writer = await super().open()
        return reader, self._writer

    def hang_up(self) -> None:
        """Close the connection, if it was opened."""
        if self._writer is not None:
            with contextlib.suppress(OSError, RuntimeError):
                self._writer.close()


class _Unix(_HangUp, UnixConnectionManager):  # type: ignore[misc]  # the library has no types
    pass


class _Tcp(_HangUp, TcpConnectionManager):  # type: ignore[misc]  # the library has no types
    pass


def _connection(server: Address, timeout: Timeout) -> _HangUp:
    if isinstance(server, UnixAddress):
        return _Unix(Path(server.path), timeout=timeout)
    return _Tcp(server.host, server.port, timeout=timeout)


def rows(report: str) -> tuple[tuple[str, float], ...]:
    """Return the rules and their points in a report, in its order; none when it has no table."""
    rulers = list(_RULER.finditer(report))
    if not rulers:
        return ()
    return tuple((rule, float(points)) for points, rule in _ROW.findall(report, rulers[-1].end()))


def with_sender(mail: Mail) -> bytes:
    """Return the message with the envelope sender on top, where SpamAssassin looks for it."""
    sender = _UNSAFE_IN_SENDER.sub("?", mail.envelope.sender)
    return f"X-Envelope-From: <{sender}>\n".encode("ascii") + mail.content
