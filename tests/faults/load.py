"""Letters that can be told apart on both ends, and senders that spread them over a given time."""

from __future__ import annotations

import queue
import smtplib
import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from mailmill_local import corpus
from mailmill_local.load import Answer, Letter, send_letter
from mailmill_local.probes import HOST

#: Connections that send at the same time.
CONNECTIONS: Final = 10
#: Messages on one connection before it is closed. It is closed at the first one that is refused, too: smtpd
#: answers 451 for the rest of a connection whose milter has died, and what is refused proves nothing.
PER_CONNECTION: Final = 4
#: Seconds for each step of the SMTP dialogue: an edge whose disk or processes are gone answers late.
SMTP_SECONDS: Final = 40.0


def letters(home: Path, count: int, prefix: str, seed: int) -> list[Letter]:
    """Return real messages, each with a sender and a recipient of its own that begin with `prefix`."""
    return [
        Letter(f"from-{prefix}{number:05}@example.org", (f"{prefix}{number:05}@example.com",), data)
        for number, data in enumerate(corpus.letters(home, count, seed))
    ]


@dataclass(frozen=True)
class _Due:
    letter: Letter
    #: By the monotonic clock.
    at: float


class Load:
    """Sends letters once each, evenly over a time, whatever is answered."""

    def __init__(
        self,
        letters: list[Letter],
        port: int,
        seconds: float,
        host: str = HOST,
        inside: Callable[[], AbstractContextManager[None]] = nullcontext,
    ) -> None:
        """Send `letters` to a port within about `seconds`, from where `inside` puts a thread."""
        self._host = host
        self._port = port
        self._inside = inside
        self._due: queue.SimpleQueue[_Due] = queue.SimpleQueue()
        start = time.monotonic()
        for number, letter in enumerate(letters):
            self._due.put(_Due(letter, start + seconds * number / len(letters)))
        self.answers: list[Answer] = []
        self._threads = [threading.Thread(target=self._send, daemon=True) for _ in range(CONNECTIONS)]

    def start(self) -> None:
        """Begin."""
        for thread in self._threads:
            thread.start()

    def join(self) -> list[Answer]:
        """Wait for the end and return the answers; code 0 is a connection that broke."""
        for thread in self._threads:
            thread.join()
        return self.answers

    def _send(self) -> None:
        with self._inside():
            self._send_all()

    def _send_all(self) -> None:
        due = self._next()
        while due is not None:
            try:
                with smtplib.SMTP(
                    self._host, self._port, local_hostname="client.example.com", timeout=SMTP_SECONDS
                ) as client:
                    client.ehlo()
                    for _ in range(PER_CONNECTION):
                        answer = send_letter(client, due.letter)
                        self.answers.append(answer)
                        due = self._next()
                        if due is None:
                            return
                        if not answer.accepted:
                            break
            except OSError as error:  # smtplib's errors are ones too
                if due is None:
                    return  # only the QUIT failed
                self.answers.append(Answer(due.letter, 0, str(error)))
                due = self._next()

    def _next(self) -> _Due | None:
        try:
            due = self._due.get_nowait()
        except queue.Empty:
            return None
        time.sleep(max(0.0, due.at - time.monotonic()))
        return due
