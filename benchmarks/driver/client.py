"""One SMTP client as a state machine: it is given answers and says what to send next.

Each command waits for its answer: no pipelining, as the measurements that the goals are taken from.
"""

from __future__ import annotations

import enum
from collections.abc import Callable
from typing import Final

from benchmarks.driver.orders import Sent

_REFUSED: Final = 400


class State(enum.Enum):
    """What was sent last."""

    CONNECT = enum.auto()
    EHLO = enum.auto()
    #: Between two messages.
    READY = enum.auto()
    MAIL = enum.auto()
    RCPT = enum.auto()
    DATA = enum.auto()
    MESSAGE = enum.auto()
    RSET = enum.auto()
    QUIT = enum.auto()


class Client:
    """The dialogue on one connection.

    Args:
        sender: The envelope sender.
        recipient: Gives the recipient of a message by its number.
        content: Gives what follows DATA.
        done: Is told of each message that has got its last answer.
        clock: Seconds of the monotonic clock.
    """

    def __init__(
        self,
        sender: str,
        recipient: Callable[[int], str],
        content: Callable[[int], bytes],
        done: Callable[[Sent], None],
        clock: Callable[[], float],
    ) -> None:
        self._mail = f"MAIL FROM:<{sender}> BODY=8BITMIME\r\n".encode()
        self._recipient = recipient
        self._content = content
        self._done = done
        self._clock = clock
        self._number = -1
        self._due = 0.0
        self._received = b""
        self.state = State.CONNECT
        #: Messages begun on this connection.
        self.begun = 0

    def begin(self, number: int, due: float) -> bytes:
        """Return MAIL for a message; only in state READY."""
        self._number, self._due = number, due
        self.begun += 1
        self.state = State.MAIL
        return self._mail

    def quit(self) -> bytes:
        """Return QUIT; only in state READY."""
        self.state = State.QUIT
        return b"QUIT\r\n"

    def receive(self, data: bytes) -> bytes:
        """Take what the server sent and return what to send, which may be nothing."""
        self._received += data
        if not self._received.endswith(b"\n"):
            return b""
        last = self._received[self._received.rfind(b"\n", 0, -1) + 1 :]
        if last[3:4] == b"-":
            return b""
        self._received = b""
        return self._answer(int(last[:3]), last)

    def broken(self) -> None:
        """Note that the connection has ended; a message in hand has failed."""
        if self.state in {State.MAIL, State.RCPT, State.DATA, State.MESSAGE}:
            self._end(0, b"the connection broke")

    def _answer(self, code: int, line: bytes) -> bytes:
        match self.state:
            case State.CONNECT:
                self.state = State.EHLO
                return b"EHLO client.example.com\r\n"
            case State.MESSAGE:
                self._end(code, line)
                self.state = State.READY
            case State.MAIL | State.RCPT | State.DATA if code >= _REFUSED:
                self._end(code, line)
                self.state = State.RSET
                return b"RSET\r\n"
            case State.MAIL:
                self.state = State.RCPT
                return f"RCPT TO:<{self._recipient(self._number)}>\r\n".encode()
            case State.RCPT:
                self.state = State.DATA
                return b"DATA\r\n"
            case State.DATA:
                self.state = State.MESSAGE
                return self._content(self._number)
            case State.EHLO | State.RSET:
                self.state = State.READY
            case State.READY | State.QUIT:
                pass
        return b""

    def _end(self, code: int, line: bytes) -> None:
        text = line[4:].decode("utf-8", "replace").strip()
        self._done(Sent(self._number, self._due, self._clock(), code, text))
