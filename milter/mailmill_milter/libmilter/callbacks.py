"""The session behind pymilter's C module: each callback with its answer."""

from __future__ import annotations

import itertools
import logging
import sys
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Any, Final

import Milter

from mailmill_milter.answers import Action, Answer
from mailmill_milter.facts import Macros
from mailmill_milter.libmilter.quickack import QuickAck
from mailmill_milter.negotiation import wanted_steps
from mailmill_milter.session import Edge, Session
from mailmill_milter.text import printable

log = logging.getLogger(__name__)

#: The name in libmilter's own syslog lines.
NAME: Final = "mailmill"

_RESULTS: Final[dict[Action, int]] = {
    Action.CONTINUE: Milter.CONTINUE,
    Action.ACCEPT: Milter.ACCEPT,
    Action.DISCARD: Milter.DISCARD,
    Action.REJECT: Milter.REJECT,
    Action.TEMPFAIL: Milter.TEMPFAIL,
}
#: SMFIA_INET and friends as pymilter gives them: a tuple with address and port; a path; or None.
_PeerAddress = tuple[Any, ...] | str | None


#: Tells the connections of a process apart in its log.
_numbers = itertools.count(1)


class Connection:
    """One MTA connection: its session, and what was negotiated for it."""

    def __init__(self, session: Session, protocol: int, macros: Macros) -> None:
        self.session = session
        #: Reads a macro of the moment.
        self.macros = macros
        #: From 1 in each process; all debug lines of the connection begin with it.
        self.number = next(_numbers)
        self._protocol = protocol
        #: Whether header values come with the space behind the colon; without it we put one there.
        self.leading_space = bool(protocol & Milter.P_HDR_LEADSPC)

    def silent(self, stage: int) -> int:
        """Return the result of a stage that has no answer: NOREPLY where the MTA agreed to that."""
        result: int = Milter.NOREPLY if self._protocol & stage else Milter.CONTINUE
        return result


class Callbacks:
    """Binds an edge to the callbacks of the process's only milter."""

    def __init__(self, edge: Callable[[], Edge], quick: QuickAck) -> None:
        """Serve for the edge that is returned, which may be another one each time, over these connections."""
        self._edge = edge
        self._quick = quick
        # pymilter gives each connection a Python thread state of its own, so this is per connection.
        self._current = threading.local()

    def install(self) -> None:
        """Register with libmilter; comes before the socket is opened."""
        Milter.set_flags(0)
        # A stage that fails but must not answer would leave the MTA and libmilter waiting for each other. So
        # stages go on, and the end of the message says what happened.
        Milter.set_exception_policy(Milter.CONTINUE)
        Milter.set_connect_callback(self.connect)
        Milter.set_helo_callback(self.helo)
        Milter.set_envfrom_callback(self.envfrom)
        Milter.set_envrcpt_callback(self.envrcpt)
        Milter.set_header_callback(self.header)
        Milter.set_eoh_callback(self.eoh)
        Milter.set_body_callback(self.body)
        Milter.set_eom_callback(self.eom)
        Milter.set_abort_callback(self.abort)
        Milter.set_close_callback(self.close)
        Milter.register(NAME, negotiate=self.negotiate)
        sys.excepthook = self._untold

    def negotiate(self, ctx: Any, options: list[int]) -> int:
        """Agree with the MTA on the stages: `options` are actions, protocol steps and two that are unused."""
        options[:] = [0, options[1] & wanted_steps(self._edge()), 0, 0]
        connection = self._attach(ctx, options[1])
        self._quick.look()
        log.debug("connection %d: negotiated protocol steps %#x", connection.number, options[1])
        return int(Milter.CONTINUE)

    def connect(self, ctx: Any, name: str, _family: int, peer: _PeerAddress) -> int:
        """Begin a session. `peer` is a tuple for IPv4 and IPv6, a path or None for anything else."""
        connection: Connection = ctx.getpriv() or self._attach(ctx, 0)
        address, port = (str(peer[0]), int(peer[1])) if isinstance(peer, tuple) else ("", 0)
        log.debug("connection %d: connect %s[%s]:%d", connection.number, printable(name), address, port)
        answer = connection.session.connect(name, address, port, connection.macros)
        silent = connection.silent(Milter.P_NR_CONN)
        if answer.action is Action.CONTINUE or silent == Milter.NOREPLY:
            return silent
        return _reply(ctx, answer)

    def helo(self, ctx: Any, name: str) -> int:
        """Take HELO or EHLO."""
        return self._quietly(ctx, Milter.P_NR_HELO, "helo", _helo, name)

    def envfrom(self, ctx: Any, *arguments: bytes) -> int:
        """Take MAIL FROM with its ESMTP arguments."""
        result = self._quietly(ctx, Milter.P_NR_MAIL, "mail", _mail, arguments)
        answer = None
        if result != Milter.NOREPLY:
            connection: Connection = ctx.getpriv()
            answer = connection.session.unwelcome()
        return _reply(ctx, answer) if answer else result

    def envrcpt(self, ctx: Any, *arguments: bytes) -> int:
        """Take RCPT TO with its ESMTP arguments."""
        self._quick.now()
        return self._quietly(ctx, Milter.P_NR_RCPT, "rcpt", _rcpt, arguments)

    def header(self, ctx: Any, name: str, value: bytes) -> int:
        """Take a header."""
        return self._quietly(ctx, Milter.P_NR_HDR, "header", _header, name, value)

    def eoh(self, ctx: Any) -> int:
        """Take the end of the headers."""
        return self._quietly(ctx, Milter.P_NR_EOH, "end of headers", _end_of_headers)

    def body(self, ctx: Any, chunk: bytes) -> int:
        """Take a piece of the body."""
        return self._quietly(ctx, Milter.P_NR_BODY, "body", _body, chunk)

    def eom(self, ctx: Any) -> int:
        """Answer the message."""
        try:
            connection: Connection = ctx.getpriv()
            answer = connection.session.end_of_message(connection.macros)
            log.debug("connection %d: end of message: %s", connection.number, answer)
            return _reply(ctx, answer)
        except BaseException:  # the sender keeps the message
            log.exception("end of message failed")
            return int(Milter.TEMPFAIL)

    def abort(self, ctx: Any) -> int:
        """Forget the message in hand."""
        connection: Connection | None = ctx.getpriv()
        if connection:
            connection.session.abort()
            log.debug("connection %d: abort", connection.number)
        return int(Milter.CONTINUE)

    def close(self, ctx: Any) -> int:
        """End the session and let go of it."""
        connection: Connection | None = ctx.getpriv()
        ctx.setpriv(None)
        if connection:
            connection.session.close()
            log.debug("connection %d: close", connection.number)
        return int(Milter.CONTINUE)

    def _attach(self, ctx: Any, protocol: int) -> Connection:
        connection = Connection(Session(self._edge), protocol, _macros(ctx))
        ctx.setpriv(connection)
        self._current.session = connection.session
        return connection

    def _quietly(self, ctx: Any, stage: int, word: str, act: Callable[..., None], *words: Any) -> int:
        """Run a stage that has no answer; what goes wrong in it is told at the end of the message.

        Args:
            ctx: libmilter's context.
            stage: its bit in the negotiated protocol.
            word: its name in the log.
            act: is called with the connection and `words`.
            words: what came with it.
        """
        connection: Connection = ctx.getpriv() or self._attach(ctx, 0)
        if log.isEnabledFor(logging.DEBUG):
            log.debug("connection %d: %s %s", connection.number, word, printable(_shown(words)))
        try:
            act(connection, *words)
        except Exception as exc:  # libmilter would pass over it where no reply is expected
            log.exception("%s failed", word)
            connection.session.fail(f"mail filter: {type(exc).__name__}")
        return connection.silent(stage)

    def _untold(self, kind: type[BaseException], value: BaseException, trace: TracebackType | None) -> None:
        """Take an error that happened before a callback was called.

        pymilter makes `str` of host names, HELO names and header names and gives up when they are not UTF-8.
        A HELO name is recovered; a header must not be missing from a message, so that message is refused.
        """
        session: Session | None = getattr(self._current, "session", None)
        if session is None or not isinstance(value, UnicodeDecodeError) or trace is not None:
            log.critical("untrapped exception", exc_info=(kind, value, trace))
            return
        text = value.object.decode("utf-8", "surrogateescape")
        if session.busy:
            log.warning("a header name is not UTF-8: %s", printable(text))
            session.fail("a header name is not ASCII")
        else:
            session.helo(text)


# What each stage is for the session. They are called for every header of every message: plain functions.


def _helo(connection: Connection, name: str) -> None:
    connection.session.helo(name)


def _mail(connection: Connection, arguments: tuple[bytes, ...]) -> None:
    connection.session.mail(arguments, connection.macros)


def _rcpt(connection: Connection, arguments: tuple[bytes, ...]) -> None:
    connection.session.rcpt(arguments)


def _header(connection: Connection, name: str, value: bytes) -> None:
    text = value if connection.leading_space else b" " + value
    connection.session.header(name.encode(), text, connection.macros)


def _end_of_headers(connection: Connection) -> None:
    connection.session.end_of_headers()


def _body(connection: Connection, chunk: bytes) -> None:
    connection.session.body(chunk, connection.macros)


def _shown(words: tuple[Any, ...]) -> str:
    """Return for people what came with a stage: a name, the words of a command, or how much it was."""
    if not words:
        return ""
    first = words[0]
    if isinstance(first, tuple):
        return b" ".join(first).decode("utf-8", "surrogateescape")
    return first if isinstance(first, str) else str(len(first))


def _macros(ctx: Any) -> Macros:
    def read(name: str) -> str | None:
        try:
            value: str | None = ctx.getsymval(name)
        except UnicodeDecodeError as exc:
            value = exc.object.decode("utf-8", "surrogateescape")
        return value

    return read


def _reply(ctx: Any, answer: Answer) -> int:
    if answer.code:
        # libmilter reads % as the start of a format and passes a doubled one on as it is.
        ctx.setreply(answer.code, answer.status, answer.text.replace("%", "?"))
    return _RESULTS[answer.action]
