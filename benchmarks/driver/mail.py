"""Making the messages ready before the clock starts: CRLF line ends, dots doubled, the final dot behind."""

from __future__ import annotations

import math
import random
from pathlib import Path
from typing import Final

from benchmarks.driver.orders import Mail
from mailmill_local import corpus

#: The largest synthetic message: a log-normal tail has no end (bytes).
LARGEST: Final = 2_000_000
_WORDS: Final = (
    "about",
    "before",
    "cluster",
    "durable",
    "edge",
    "message",
    "queue",
    "relay",
    "the",
    "to",
    "when",
)
#: Words on a line: about 70 characters.
_LINE_WORDS: Final = 11


def messages(mail: Mail, count: int) -> list[bytes]:
    """Return `count` messages with LF line ends; those of the corpus come again when it has not enough."""
    if not mail.corpus:
        return [synthetic(size, f"{mail.seed}-{number}") for number, size in enumerate(sizes(mail, count))]
    home = Path(mail.corpus)
    chosen: list[bytes] = []
    there = sum(1 for _ in home.glob("*/*.txt"))
    while len(chosen) < count:
        chosen += corpus.letters(home, min(count - len(chosen), there), mail.seed)
    return chosen


def sizes(mail: Mail, count: int) -> list[int]:
    """Return sizes in bytes, the same for the same seed."""
    draw = random.Random(mail.seed)  # noqa: S311 - repeatable, not secret
    most = max(LARGEST, mail.median)
    return [min(most, round(draw.lognormvariate(math.log(mail.median), mail.sigma))) for _ in range(count)]


def synthetic(size: int, seed: str) -> bytes:
    """Return a message of about `size` bytes of words, unlike that of any other `seed`."""
    head = f"From: a@example.org\nTo: b@example.com\nSubject: number {seed}\nMessage-ID: <{seed}@bench>\n\n"
    draw = random.Random(seed)  # noqa: S311 - as above
    line = " ".join(draw.choices(_WORDS, k=_LINE_WORDS)) + "\n"
    body = line * max(1, (size - len(head)) // len(line))
    return (head + body).encode()


def wire(message: bytes) -> bytes:
    """Return what follows the answer to DATA (RFC 5321, 4.5.2)."""
    text = b"\n" + message.removesuffix(b"\n")
    return text.replace(b"\n.", b"\n..").replace(b"\n", b"\r\n")[2:] + b"\r\n.\r\n"
