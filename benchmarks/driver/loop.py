"""All clients in one thread around epoll, which costs a third of what asyncio does."""

from __future__ import annotations

import select
import socket
import time
from typing import Final

from benchmarks.driver.client import Client, State
from benchmarks.driver.mail import messages, wire
from benchmarks.driver.orders import Orders, Outcome, Sent
from benchmarks.driver.schedule import Schedule

HOST: Final = "127.0.0.1"
#: Bytes of one read; answers are short.
_READ: Final = 4096
#: Seconds without any answer after which the rest has failed.
SILENCE: Final = 120.0


class _Line:
    """A connection, its dialogue, and what the kernel has not yet taken."""

    def __init__(self, port: int, client: Client) -> None:
        self.client = client
        self.unsent = b""
        self.socket = socket.create_connection((HOST, port))
        self.socket.settimeout(0)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def send(self, data: bytes) -> bool:
        """Send; return whether something is left that waits for the kernel."""
        data = self.unsent + data
        try:
            self.unsent = data[self.socket.send(data) :] if data else b""
        except BlockingIOError:
            self.unsent = data
        return bool(self.unsent)


class Driver:
    """Carries out orders."""

    def __init__(self, orders: Orders) -> None:
        self._orders = orders
        self._contents = [wire(message) for message in messages(orders.mail, orders.count)]
        self._sent: list[Sent] = []
        self._lines: dict[int, _Line] = {}
        self._poll = select.epoll()
        #: Connections that wait until a message is due.
        self._idle: list[_Line] = []

    def run(self) -> Outcome:
        """Send everything and return what became of it."""
        start, cpu = time.monotonic(), time.process_time()
        self._schedule = Schedule(self._orders.count, self._orders.rate, start)
        connections = min(self._orders.connections, self._orders.count)
        opened, heard = 0, start
        while True:
            now = time.monotonic()
            while opened < connections and now >= start + self._orders.ramp * opened / connections:
                self._open()
                opened += 1
            if not self._lines and (self._schedule.over or opened == connections):
                break
            events = self._poll.poll(self._pause(now, opened < connections))
            heard = time.monotonic() if events else heard
            if time.monotonic() - heard > SILENCE:
                break
            for descriptor, event in events:
                self._serve(self._lines[descriptor], event)
            self._wake()
        self._poll.close()
        last = max((each.answered for each in self._sent), default=time.monotonic())
        return Outcome(
            self._sent, last - start, time.process_time() - cpu, sum(len(each) for each in self._contents)
        )

    def _open(self) -> None:
        orders = self._orders
        client = Client(
            orders.sender,
            lambda number: f"{orders.prefix}{number:06}@example.com",
            self._contents.__getitem__,
            self._sent.append,
            time.monotonic,
        )
        line = _Line(orders.port, client)
        self._lines[line.socket.fileno()] = line
        self._poll.register(line.socket, select.EPOLLIN)

    def _serve(self, line: _Line, event: int) -> None:
        if event & select.EPOLLOUT:
            self._send(line, b"")
            return
        try:
            data = line.socket.recv(_READ)
        except ConnectionError:
            data = b""
        if not data:
            self._closed(line)
            return
        reply = line.client.receive(data)
        if reply:
            self._send(line, reply)
        elif line.client.state is State.READY:
            self._next(line)

    def _next(self, line: _Line) -> None:
        """Give a client its next message, or let it wait, or end its connection."""
        if self._schedule.over or line.client.begun >= self._orders.per_connection:
            self._send(line, line.client.quit())
            return
        taken = self._schedule.take(time.monotonic())
        if taken is None:
            self._idle.append(line)
        else:
            self._send(line, line.client.begin(*taken))

    def _wake(self) -> None:
        """Let those that wait look again."""
        while self._idle and (self._schedule.over or self._schedule.due(0) <= time.monotonic()):
            self._next(self._idle.pop(0))

    def _send(self, line: _Line, data: bytes) -> None:
        before = bool(line.unsent)
        try:
            left = line.send(data)
        except ConnectionError:
            self._closed(line)
            return
        if left != before:
            self._poll.modify(line.socket, select.EPOLLOUT if left else select.EPOLLIN)

    def _closed(self, line: _Line) -> None:
        """Forget a connection; another takes its place while there is something to send."""
        self._poll.unregister(line.socket)
        del self._lines[line.socket.fileno()]
        line.socket.close()
        line.client.broken()
        if not self._schedule.over:
            self._open()

    def _pause(self, now: float, opening: bool) -> float:  # noqa: FBT001 - private, one caller
        """Return the seconds that epoll may wait."""
        if opening:
            return 0.001
        if self._idle and not self._schedule.over:
            return max(0.0, self._schedule.due(now) - now)
        return 1.0
