from pathlib import Path

import pytest

from mailmill.envelope import Client, Envelope, Recipient
from mailmill.findings import Clean, Scored
from mailmill.spoolfile import SpoolHeader
from mailmill_workers.mail import Mail
from mailmill_workers.scan.report import Report

CLEAN = (("clamd", Clean()),)
HAM = Scored(0.5, (("RULE", 0.5),))
CONTENT = b"Received: from x\nSubject: hello\n\nA body.\n"


@pytest.fixture
def make_mail():
    def make(
        recipients=("a@example.com",),
        sender="s@example.org",
        client="192.0.2.1",
        content=CONTENT,
        sender_args=(),
    ):
        envelope = Envelope(
            sender,
            tuple(Recipient(r) if isinstance(r, str) else r for r in recipients),
            Client("mail.example.org", client, 4711, "helo.example.org"),
            sender_args,
        )
        header = SpoolHeader("01KB000000ABCDEFGH-4cXyZ1", "edge1", 1_800_000_000.0, "4cXyZ1", envelope)
        return Mail(header, content)

    return make


@pytest.fixture
def make_report():
    def make(viruses=CLEAN, spam=HAM, unpacked=None, forbidden=()):
        def rules(names: Path, types: Path):
            return tuple(forbidden)

        return Report(tuple(viruses), "rspamd" if spam else "", spam, unpacked, rules)

    return make
