"""Sending many messages over SMTP: a bounded number of connections, several messages on each."""

from __future__ import annotations

import queue
import smtplib
import threading
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from mailmill_local.probes import HOST

#: Messages on one connection (as many as Postfix's own smtp client usually reuses one for).
PER_CONNECTION: Final = 20
#: Seconds for each step of the SMTP dialogue.
SMTP_SECONDS: Final = 60.0


@dataclass(frozen=True)
class Letter:
    """A message to send."""

    sender: str
    recipients: tuple[str, ...]
    #: LF line ends.
    data: bytes

    @property
    def body(self) -> bytes:
        """The bytes after the first empty line."""
        return self.data.partition(b"\n\n")[2]


@dataclass(frozen=True)
class Answer:
    """What the server said in the end."""

    letter: Letter
    code: int
    text: str

    @property
    def accepted(self) -> bool:
        """Whether the server has taken the message over."""
        return self.code == 250  # noqa: PLR2004 - RFC 5321: completed


def send_all(
    letters: Iterable[Letter], port: int, *, connections: int = 10, per_connection: int = PER_CONNECTION
) -> list[Answer]:
    """Send every letter once and return the answers, in no order; code 0 is a connection that broke."""
    waiting: queue.SimpleQueue[Letter] = queue.SimpleQueue()
    for letter in letters:
        waiting.put(letter)
    answers: list[Answer] = []
    threads = [
        threading.Thread(target=_client, args=(waiting, port, per_connection, answers))
        for _ in range(connections)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers


def _client(
    waiting: queue.SimpleQueue[Letter], port: int, per_connection: int, answers: list[Answer]
) -> None:
    while True:
        batch = _take(waiting, per_connection)
        if not batch:
            return
        try:
            with smtplib.SMTP(
                HOST, port, local_hostname="client.example.com", timeout=SMTP_SECONDS
            ) as client:
                client.ehlo()
                while batch:
                    answers.append(send_letter(client, batch[0]))
                    batch.pop(0)
        except OSError as error:  # smtplib's errors are ones too
            answers.extend(Answer(letter, 0, str(error)) for letter in batch)


def _take(waiting: queue.SimpleQueue[Letter], most: int) -> list[Letter]:
    batch: list[Letter] = []
    try:
        while len(batch) < most:
            batch.append(waiting.get_nowait())
    except queue.Empty:
        pass
    return batch


def send_letter(client: smtplib.SMTP, letter: Letter) -> Answer:
    """Send one letter over a connection that has said EHLO, and return the answer.

    Raises:
        OSError: the connection breaks.
    """
    replies = [client.mail(letter.sender, ["BODY=8BITMIME"])]
    replies += [client.rcpt(recipient) for recipient in letter.recipients]
    refused = [reply for reply in replies if reply[0] >= 400]  # noqa: PLR2004 - RFC 5321, 4.2.1
    if refused:
        client.rset()
        return _answer(letter, refused[0])
    return _answer(letter, client.data(letter.data.replace(b"\n", b"\r\n")))


def _answer(letter: Letter, reply: tuple[int, bytes]) -> Answer:
    return Answer(letter, reply[0], reply[1].decode("utf-8", "replace"))
