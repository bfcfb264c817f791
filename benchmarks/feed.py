"""Feeds an engine directly, as many messages at a time as it is told: what the engine alone can do."""

from __future__ import annotations

import queue
import socket
import threading
import time
from collections.abc import Callable, Iterator
from typing import Final

from mailmill_local.probes import HOST

#: Seconds for one answer.
_SECONDS: Final = 300.0
#: Bytes of one read.
_READ: Final = 65_536

#: Takes messages until there are none, asking the engine at a port about each.
Asker = Callable[[int, Iterator[bytes]], None]


class FeedError(Exception):
    """The engine does not answer as it should."""


def rspamd(port: int, messages: Iterator[bytes]) -> None:
    """Ask rspamd, which ends the connection with its answer (3.4: whatever the request says about it).

    Raises:
        FeedError: an answer is not one of success.
    """
    for message in messages:
        head = (
            "POST /checkv2 HTTP/1.0\r\nFrom: sender@example.org\r\nRcpt: m000000@example.com\r\n"
            f"IP: 127.0.0.1\r\nHelo: client.example.com\r\nContent-Length: {len(message)}\r\n\r\n"
        )
        with socket.create_connection((HOST, port), _SECONDS) as connection:
            connection.sendall(head.encode() + message)
            _expect(_all(connection), b" 200 ")


def spamd(port: int, messages: Iterator[bytes]) -> None:
    """Ask spamd, which takes one message on a connection.

    Raises:
        FeedError: an answer is not one of success.
    """
    for message in messages:
        head = f"REPORT SPAMC/1.5\r\nContent-length: {len(message)}\r\n\r\n"
        with socket.create_connection((HOST, port), _SECONDS) as connection:
            connection.sendall(head.encode() + message)
            connection.shutdown(socket.SHUT_WR)
            _expect(_all(connection), b" 0 EX_OK")


def _all(connection: socket.socket) -> bytes:
    chunks = []
    while chunk := connection.recv(_READ):
        chunks.append(chunk)
    return b"".join(chunks)


def _expect(answer: bytes, success: bytes) -> None:
    status = answer.partition(b"\r\n")[0]
    if success not in status:
        raise FeedError(f"the engine answers {status!r}")


def feed(ask: Asker, port: int, messages: list[bytes], at_once: int) -> float:
    """Ask about all messages and return the messages a second.

    Raises:
        FeedError: a message got no proper answer.
    """
    waiting: queue.SimpleQueue[bytes] = queue.SimpleQueue()
    for message in messages:
        waiting.put(message)
    failures: list[Exception] = []
    threads = [threading.Thread(target=_work, args=(ask, port, waiting, failures)) for _ in range(at_once)]
    start = time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise FeedError(str(failures[0])) from failures[0]
    return len(messages) / (time.monotonic() - start)


def _work(ask: Asker, port: int, waiting: queue.SimpleQueue[bytes], failures: list[Exception]) -> None:
    try:
        ask(port, _take(waiting))
    except (OSError, FeedError) as error:
        failures.append(error)


def _take(waiting: queue.SimpleQueue[bytes]) -> Iterator[bytes]:
    while True:
        try:
            yield waiting.get_nowait()
        except queue.Empty:
            return
