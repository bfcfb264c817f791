import pytest

from mailmill.envelope import Client, Envelope, Recipient
from mailmill.spoolfile import SpoolHeader
from mailmill_workers.mail import Mail


@pytest.fixture(scope="session")
def make_mail():
    def make(content=b"Subject: x\n\nhello\n", queue_id="4cXyZ1", recipients=("bob@example.com",), **changes):
        envelope = Envelope(
            changes.get("sender", "ann@example.org"),
            tuple(map(Recipient, recipients)),
            Client("mail.example.org", changes.get("client", "192.0.2.1"), 4711, changes.get("helo", "helo")),
        )
        return Mail(SpoolHeader(f"01KB-{queue_id}", "edge1", 0.0, queue_id, envelope), content)

    return make
