from __future__ import annotations

import asyncio
import contextlib
import socket
import time
from collections.abc import Callable, Iterator

import pytest

from mailmill.envelope import Client, Envelope, Recipient
from mailmill.spoolfile import SpoolHeader
from mailmill_workers.engines.addresses import TcpAddress
from mailmill_workers.mail import Mail

#: Ordinary mail as an edge spools it.
HAM = b"""\
Received: from mail.example.org (mail.example.org [192.0.2.1])
\tby edge1 (Postfix) with ESMTP id 4cXyZ1; Mon, 2 Nov 2026 10:00:00 +0000
From: Ann <ann@example.org>
To: Bob <bob@example.com>
Subject: minutes of the meeting
Date: Mon, 2 Nov 2026 10:00:00 +0000
Message-ID: <minutes-4711@example.org>
MIME-Version: 1.0
Content-Type: text/plain; charset=utf-8

Dear Bob,

here are the minutes of our last meeting; please tell me what is missing.

Regards, Ann
"""


@pytest.fixture
def make_mail() -> Callable[[bytes], Mail]:
    def make(content: bytes = HAM) -> Mail:
        envelope = Envelope(
            "ann@example.org",
            (Recipient("bob@example.com"),),
            Client("mail.example.org", "192.0.2.1", 4711, "mail.example.org"),
        )
        return Mail(
            SpoolHeader("01KB000000ABCDEFGH-4cXyZ1", "edge1", time.time(), "4cXyZ1", envelope), content
        )

    return make


@pytest.fixture
def ask() -> Callable:
    """`ask(engine, mail, ...)`: the engine's answers for these mails, asked for at the same time."""

    def run(engine, *mails):
        async def all_of_them():
            question = engine.scan if hasattr(engine, "scan") else engine.check
            try:
                return await asyncio.gather(*(question(mail) for mail in mails))
            finally:
                await engine.close()

        return asyncio.run(all_of_them())

    return run


@pytest.fixture
def hung() -> Iterator[TcpAddress]:
    """A server that takes connections and never says anything."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield TcpAddress("127.0.0.1", server.getsockname()[1])


@pytest.fixture
def nobody() -> TcpAddress:
    """An address where nothing listens."""
    with contextlib.closing(socket.create_server(("127.0.0.1", 0))) as server:
        return TcpAddress("127.0.0.1", server.getsockname()[1])
