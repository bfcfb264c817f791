"""The milter's side of one MTA connection: bytes in, bytes out. Opens nothing, and starts nothing."""

from __future__ import annotations

import itertools
import logging
from collections import deque
from collections.abc import Callable
from typing import ClassVar, Final

from mailmill.intake import Arrival
from mailmill_milter.answers import Action, Answer
from mailmill_milter.negotiation import wanted_steps
from mailmill_milter.protocol import packets
from mailmill_milter.protocol.macros import MacroTable
from mailmill_milter.protocol.packets import Negotiation, Packet, Peer, ProtocolError, Unpacker
from mailmill_milter.protocol.words import Command, Step
from mailmill_milter.session import Edge, Session
from mailmill_milter.text import printable

log = logging.getLogger(__name__)

#: Tells the connections of a process apart in its log.
_numbers = itertools.count(1)

#: As a plain number: what is asked for each packet is not looked up in an enumeration.
_END_OF_MESSAGE: Final = int(Command.END_OF_MESSAGE)

#: The bit that takes the answer of a stage away.
_SILENT: Final[dict[int, int]] = {
    Command.CONNECT: Step.NR_CONNECT,
    Command.HELO: Step.NR_HELO,
    Command.MAIL: Step.NR_MAIL,
    Command.RCPT: Step.NR_RCPT,
    Command.HEADER: Step.NR_HEADER,
    Command.END_OF_HEADERS: Step.NR_END_OF_HEADERS,
    Command.BODY: Step.NR_BODY,
}


class Conversation:
    """One MTA connection: what it sends goes to a session, and the session's answers go back.

    A message that has come in whole waits as `arrival` until `settle` is called; what the MTA sends meanwhile
    waits too.
    """

    def __init__(self, edge: Callable[[], Edge], gone: Callable[[], bool] = lambda: False) -> None:
        """Serve for the edge that is returned, which may be another one for each message.

        Args:
            edge: what the session belongs to.
            gone: says whether the MTA has hung up meanwhile, and so told its client to try again.
        """
        self._edge = edge
        self._gone = gone
        self._session = Session(edge)
        self._macros = MacroTable()
        self._unpacker = Unpacker()
        self._packets: deque[Packet] = deque()
        #: The reply of each stage that has nothing to say: none where the MTA agreed to that.
        self._nothing: dict[int, bytes]
        self._agree(0)
        #: From 1 in each process; all debug lines of the connection begin with it.
        self.number = next(_numbers)
        #: A message that is complete and not durable yet.
        self.arrival: Arrival | None = None
        #: Whether the connection is to be closed, once what was returned is sent.
        self.over = False

    @property
    def slow(self) -> bool:
        """Whether something was left because it may take long: somebody patient must call `receive`."""
        if not self._packets or self.arrival is not None:
            return False
        session = self._session
        return session.slow or (session.asks and self._packets[0][0] == _END_OF_MESSAGE)

    def receive(self, data: bytes, *, patient: bool = False) -> bytes:
        """Take what the MTA has sent; return what it gets back, which may be nothing.

        Args:
            data: cut anywhere.
            patient: whether to wait for the disk and the DNS, instead of leaving what does.
        """
        replies: list[bytes] = []
        try:
            self._packets += self._unpacker.feed(data)
            self._go_on(replies, patient=patient)
        except ProtocolError as exc:
            log.warning("connection %d: the MTA sent %s: closed", self.number, exc)
            self.over = True
        # What was answered before an error is told: a message that was accepted would come again.
        return b"".join(replies)

    def settle(self, error: Exception | None) -> bytes:
        """Answer the message that has arrived: it is durable, or why not; then go on as in `receive`."""
        arrival, self.arrival = self.arrival, None
        if arrival is None:
            return b""
        answered = self._answer_message(self._session.settle(arrival, error))
        return answered + self.receive(b"")

    def report(self) -> None:
        """Tell the log of the last message, once its answer is on its way."""
        self._session.report()

    def close(self) -> None:
        """Let go of all: the connection is no more."""
        self.arrival = None
        self._packets.clear()
        self._session.close()
        log.debug("connection %d: close", self.number)

    def _go_on(self, replies: list[bytes], *, patient: bool) -> None:
        # A message has some 70 packets, most of them headers and their macros: nothing here is without need.
        queue, session, acts = self._packets, self._session, self._ACTS
        tell = log.isEnabledFor(logging.DEBUG)
        while queue and self.arrival is None and not self.over:
            command, data = queue[0]
            if not patient and (session.slow or command == _END_OF_MESSAGE) and self.slow:
                break
            queue.popleft()
            if tell and command in _SHOWN:
                log.debug("connection %d: %s", self.number, printable(_shown(command, data)))
            if command == _END_OF_MESSAGE:
                replies.append(self._end_of_message(data, patient=patient))
                continue
            act = acts.get(command)
            if act is None:
                raise ProtocolError(f"the unknown command {command:#x}")
            try:
                reply = act(self, data)
            except ProtocolError:
                raise
            except Exception as exc:  # where no answer is expected, it is told at the end of the message
                log.exception("connection %d: command %c failed", self.number, command)
                session.fail(f"mail filter: {type(exc).__name__}")
                reply = b""
                if command in _SILENT:
                    reply = self._nothing[command]
                else:
                    self.over = True
            if reply:
                replies.append(reply)

    def _agree(self, steps: int) -> None:
        """Know what was negotiated."""
        self._steps = steps
        self._leading_space = bool(steps & Step.HEADER_LEADING_SPACE)
        self._nothing = {
            command: b"" if steps & step else packets.CONTINUE for command, step in _SILENT.items()
        }
        self._no_header = self._nothing[Command.HEADER]

    def _negotiate(self, data: bytes) -> bytes:
        offer = Negotiation.parse(data)
        answer = offer.answer(wanted_steps(self._edge()))
        self._agree(answer.steps)
        log.debug("connection %d: negotiated protocol steps %#x", self.number, offer.steps)
        return answer.pack()

    def _tell_macros(self, data: bytes) -> bytes:
        self._macros.tell(data)
        return b""

    def _connect(self, data: bytes) -> bytes:
        peer = Peer.parse(data)
        self._macros.begin(Command.CONNECT)
        answer = self._session.connect(peer.name, peer.address, peer.port, self._macros)
        if answer.action is Action.CONTINUE or self._steps & Step.NR_CONNECT:
            return self._nothing[Command.CONNECT]
        return packets.reply(answer)

    def _helo(self, data: bytes) -> bytes:
        self._macros.begin(Command.HELO)
        self._session.helo(packets.text(packets.word(data)))
        return self._nothing[Command.HELO]

    def _mail(self, data: bytes) -> bytes:
        self._macros.begin(Command.MAIL)
        self._session.mail(packets.words(data), self._macros)
        if self._steps & Step.NR_MAIL:
            return b""
        refusal = self._session.unwelcome()
        return packets.reply(refusal) if refusal else packets.CONTINUE

    def _rcpt(self, data: bytes) -> bytes:
        self._session.rcpt(packets.words(data))
        return self._nothing[Command.RCPT]

    def _header(self, data: bytes) -> bytes:
        name, value = packets.header(data)
        self._session.header(name, value if self._leading_space else b" " + value, self._macros)
        return self._no_header

    def _end_of_headers(self, _data: bytes) -> bytes:
        self._session.end_of_headers()
        return self._nothing[Command.END_OF_HEADERS]

    def _body(self, data: bytes) -> bytes:
        self._session.body(data, self._macros)
        return self._nothing[Command.BODY]

    def _end_of_message(self, data: bytes, *, patient: bool) -> bytes:
        """Answer the message, or leave it as `arrival`; `data` is the end of its body, and mostly empty."""
        if self._gone():
            log.warning("connection %d: the MTA has hung up before its answer", self.number)
            self._session.abort()
            self.over = True
            return b""
        if patient:
            return self._answer_message(self._session.end_of_message(self._macros, data))
        found = self._session.complete(self._macros, data)
        if isinstance(found, Arrival):
            self.arrival = found
            return b""
        self._session.report()
        return self._answer_message(found)

    def _answer_message(self, answer: Answer) -> bytes:
        self._macros.end_message()
        log.debug("connection %d: end of message: %s", self.number, answer)
        return packets.reply(answer)

    def _abort(self, _data: bytes) -> bytes:
        self._session.abort()
        self._macros.end_message()
        return b""

    def _unwanted(self, _data: bytes) -> bytes:
        """Answer DATA or an unknown command: an MTA of an old protocol asks about them."""
        return packets.CONTINUE

    def _quit(self, _data: bytes) -> bytes:
        self.over = True
        return b""

    def _next_client(self, _data: bytes) -> bytes:
        self._session.close()
        self._macros.clear()
        return b""

    #: What each command does.
    _ACTS: ClassVar[dict[int, Callable[[Conversation, bytes], bytes]]] = {
        Command.NEGOTIATE: _negotiate,
        Command.MACROS: _tell_macros,
        Command.CONNECT: _connect,
        Command.HELO: _helo,
        Command.MAIL: _mail,
        Command.RCPT: _rcpt,
        Command.HEADER: _header,
        Command.END_OF_HEADERS: _end_of_headers,
        Command.BODY: _body,
        Command.ABORT: _abort,
        Command.DATA: _unwanted,
        Command.UNKNOWN: _unwanted,
        Command.QUIT: _quit,
        Command.QUIT_NEW_CONNECTION: _next_client,
    }


#: What the debug log calls a command.
_SHOWN: Final[dict[int, str]] = {
    Command.CONNECT: "connect",
    Command.HELO: "helo",
    Command.MAIL: "mail",
    Command.RCPT: "rcpt",
    Command.HEADER: "header",
    Command.END_OF_HEADERS: "end of headers",
    Command.BODY: "body",
    Command.ABORT: "abort",
}


def _shown(command: int, data: bytes) -> str:
    """Return for people what came with a command: its words, the name of a header, or how much it was."""
    if command == Command.BODY:
        what = str(len(data))
    elif command == Command.HEADER:
        what = packets.text(data.partition(b"\0")[0])
    elif command == Command.CONNECT:
        peer = Peer.parse(data)
        what = f"{peer.name}[{peer.address}]:{peer.port}"
    else:
        what = packets.text(data.removesuffix(b"\0").replace(b"\0", b" "))
    return f"{_SHOWN[command]} {what}"
