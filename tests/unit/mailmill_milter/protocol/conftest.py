from __future__ import annotations

import pytest

from mailmill_milter.protocol.conversation import Conversation
from milter_fakes import begun, edge_below, leftovers, replies, stored


class Line:
    """A conversation, and what an MTA would see of it."""

    def __init__(self, root, steps=None, **options):
        self.root = root
        self.edge = edge_below(root, **options)
        self.conversation = Conversation(lambda: self.edge)
        if steps is not None:
            self.send(begun(steps))

    def send(self, data, *, patient=False):
        """Return the replies to what an MTA sends."""
        return replies(self.conversation.receive(data, patient=patient))

    def settle(self, error=None):
        """Make the message durable that has arrived, or say why that failed; return the replies."""
        if error is None:
            assert self.edge.intake.append_all([self.conversation.arrival]) == [None]
        return replies(self.conversation.settle(error))

    def close(self):
        self.conversation.close()

    @property
    def stored(self):
        return stored(self.root)

    @property
    def only(self):
        (message,) = self.stored
        return message

    @property
    def leftovers(self):
        return leftovers(self.root)


@pytest.fixture
def line(tmp_path):
    """Makes the one conversation of a test; with `steps`, it has begun as far as HELO."""
    return lambda steps=None, **options: Line(tmp_path, steps, **options)
