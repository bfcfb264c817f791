"""Whatever an MTA sends: nothing is raised, nothing stays in hand, and what is accepted is what was sent."""

from __future__ import annotations

import itertools
import os
import re
import tempfile
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from unittest import mock

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailmill.errors import SpoolError
from mailmill_milter import session
from mailmill_milter.protocol.conversation import Conversation
from mailmill_milter.protocol.words import Step
from mailmill_milter.transaction import bare_address
from milter_fakes import (
    ABORT,
    ALL_STEPS,
    NEXT_CLIENT,
    QUIT,
    begun,
    body,
    connect,
    edge_below,
    end_of_headers,
    end_of_message,
    header,
    helo,
    leftovers,
    macros,
    mail,
    negotiation,
    packet,
    rcpt,
    replies,
    stored,
)

#: A message gets a file of its own from here on: some do.
LIMIT = 60
SENDERS = st.sampled_from([b"<a@example.org>", b"<>", b"<\xff@example.org>"])
PIECES = st.binary(max_size=40) | st.sampled_from([b"\r", b"\n", b"\r\n", b"x\r\n.\r\n", b"\0" * 70])
VALUES = st.binary(max_size=20).map(lambda value: value.replace(b"\0", b" "))

#: Packets in the order of a message.
MESSAGES = st.builds(
    lambda sender, recipients, headers, pieces: [
        mail(sender),
        *(rcpt(recipient) for recipient in recipients),
        *(header(b"X-%d" % number, value) for number, value in enumerate(headers)),
        end_of_headers(),
        *map(body, pieces),
        end_of_message(),
    ],
    SENDERS,
    st.lists(SENDERS, min_size=1, max_size=2),
    st.lists(VALUES, max_size=3),
    st.lists(PIECES, max_size=4),
)
#: Packets that an MTA may send, at any time.
SINGLE = st.one_of(
    st.sampled_from([ABORT, NEXT_CLIENT, negotiation(), connect(), helo(), mail(), rcpt(), end_of_headers()]),
    st.sampled_from([end_of_message(), macros(b"M", b"i", b"4XYZ"), macros(b"M"), packet(b"T"), QUIT]),
    st.builds(header, st.just(b"X"), VALUES),
    st.builds(body, PIECES),
    st.builds(end_of_message, PIECES),
)
#: Packets that no MTA sends.
NONSENSE = st.one_of(
    st.builds(packet, st.binary(min_size=1, max_size=1), st.binary(max_size=20)),
    st.builds(packet, st.sampled_from([b"C", b"M", b"R", b"L", b"H", b"O"]), st.binary(max_size=20)),
    st.binary(max_size=9),
)
SENSE = st.lists(MESSAGES | SINGLE.map(lambda each: [each]), max_size=8)
ANYTHING = st.lists(MESSAGES | (SINGLE | NONSENSE).map(lambda each: [each]), max_size=8)
#: What becomes of each message that has arrived, and when.
LATER, DURABLE, FAILED = range(3)
FATES = st.lists(st.sampled_from([LATER, DURABLE, DURABLE, FAILED]), max_size=20)


@dataclass
class Sent:
    """A message as the MTA has sent it."""

    sender: str
    recipients: list[str] = field(default_factory=list)
    head: bytes = b""
    body: bytes | None = None
    #: Whether headers and body came in the order of a message.
    ordered: bool = True

    @property
    def facts(self):
        body = b"" if self.body is None else b"\n" + self.body.replace(b"\r\n", b"\n")
        return (self.sender, tuple(self.recipients), self.head + body if self.ordered else None)


class Model:
    """What an MTA has sent, read by the book. It goes on where the milter stops at an error."""

    def __init__(self, stream):
        self.messages: list[Sent] = []
        #: Ends of messages, those included that had no message.
        self.ends = 0
        #: What an MTA has taken away that does not leave the blanks of header values.
        self._blank = b" "
        self._message: Sent | None = None
        self._told = False
        while len(stream) > 4:
            end = 4 + int.from_bytes(stream[:4], "big")
            command, data, stream = stream[4:5], stream[5:end], stream[end:]
            if command == b"Q":
                break
            self._take(command, data)

    def _take(self, command, data):
        message, first = self._message, data.partition(b"\0")[0]
        if command in {b"A", b"C", b"H", b"K"}:
            self._message = None
            self._told = command == b"C" or (self._told and command != b"K")
        elif command == b"O":
            self._blank = b"" if int.from_bytes(data[8:12], "big") & Step.HEADER_LEADING_SPACE else b" "
        elif command == b"M":
            self._message = Sent(bare_address(first))
        elif command == b"E":
            self._end(data)
        elif message and command == b"R":
            message.recipients.append(bare_address(first))
        elif message and command == b"L":
            message.ordered &= message.body is None
            message.head += first + b":" + self._blank + data[len(first) + 1 : -1] + b"\n"
        elif message and command == b"N":
            message.ordered &= message.body is None
            message.body = b""
        elif message and command == b"B":
            message.body = (message.body or b"") + data

    def _end(self, rest):
        self.ends += 1
        message, self._message = self._message, None
        if message and message.recipients and self._told:
            if rest:
                message.body = (message.body or b"") + rest
            self.messages.append(message)


class Run:
    """A conversation from its beginning to its end, and what became of it."""

    def __init__(self, root, pieces, fates, *, patient):
        self.edge = edge_below(root)
        self.conversation = Conversation(lambda: self.edge)
        self.failures = 0
        self._fates = iter(fates)
        self._said = b""
        for piece in pieces:
            self._hear(self.conversation.receive(piece, patient=patient))
            while not self.conversation.over and (self.conversation.arrival or self.conversation.slow):
                fate = next(self._fates, DURABLE)
                if fate == LATER:
                    break
                self._decide(fate)
            if self.conversation.over:
                break
        while self.conversation.arrival or (self.conversation.slow and not self.conversation.over):
            self._decide(DURABLE)
        self.closed_by_us = self.conversation.over
        self.conversation.close()
        self.edge.intake.close()
        self.replies = replies(self._said)
        self.stored = stored(root)
        self.leftovers = leftovers(root)

    def _hear(self, said):
        self._said += said
        assert self.edge.in_hand.count in {0, 1}

    def _decide(self, fate):
        arrival = self.conversation.arrival
        if arrival is None:
            self._hear(self.conversation.receive(b"", patient=True))
        elif fate == FAILED:
            self.failures += 1
            self._hear(self.conversation.settle(SpoolError("cannot accept")))
        else:
            assert self.edge.intake.append_all([arrival]) == [None]
            self._hear(self.conversation.settle(None))

    def accepted(self):
        """Sender, recipients and content of what is in the spool."""
        for file in self.stored:
            envelope = file.header.envelope
            # The Received header is ours: its last line has the date.
            received = re.match(rb"Received: .*\n(?:\t.*\n)+", file.content)
            recipients = tuple(recipient.address for recipient in envelope.recipients)
            yield envelope.sender, recipients, file.content[received.end() :]


@pytest.fixture(autouse=True, scope="module")
def _quick():
    """Large messages are small here, and no disk is waited for."""
    with (
        mock.patch.object(session, "SPILL", LIMIT),
        mock.patch.object(os, "fsync"),
        mock.patch.object(os, "fdatasync"),
    ):
        yield


def conversed(packets, steps, places, fates, *, patient):
    """Return a conversation of these packets, cut in these places, and the model of it."""
    stream = begun(steps) + b"".join(packets)
    cuts = [0, *sorted(place % (len(stream) + 1) for place in places), len(stream)]
    pieces = [stream[start:end] for start, end in itertools.pairwise(cuts)]
    with tempfile.TemporaryDirectory() as directory:
        run = Run(Path(directory), pieces, fates, patient=patient)
    return run, Model(stream)


def check(run, model):
    """Assert what holds of all conversations."""
    assert run.edge.in_hand.count == 0
    assert len(run.leftovers) == len(run.stored) == run.replies.count("discard")
    sent = Counter(message.facts for message in model.messages)
    for sender, recipients, content in run.accepted():
        facts = (sender, recipients, content)
        if not sent[facts]:
            facts = (sender, recipients, None)
        assert sent[facts] > 0
        sent[facts] -= 1


PLACES = st.lists(st.integers(0, 2000), max_size=12)
STEPS = st.sampled_from([ALL_STEPS, 0])


@given(SENSE, STEPS, PLACES, FATES, st.booleans())
def test_every_message_is_accepted_as_it_was_sent_or_refused(groups, steps, places, fates, patient):
    packets = list(itertools.chain(*groups))
    run, model = conversed(packets, steps, places, fates, patient=patient)
    check(run, model)
    if steps:  # else MAIL has an answer too
        answers = [reply for reply in run.replies if isinstance(reply, str) and reply != "continue"]
        assert len(answers) == model.ends
    assert len(run.stored) == len(model.messages) - run.failures
    assert run.closed_by_us == (QUIT in packets)


@given(ANYTHING, STEPS, PLACES, FATES, st.booleans())
def test_nonsense_closes_the_connection_at_most(groups, steps, places, fates, patient):
    run, model = conversed(itertools.chain(*groups), steps, places, fates, patient=patient)
    check(run, model)


@given(st.binary(max_size=200), PLACES, st.booleans())
def test_arbitrary_bytes_close_the_connection_at_most(data, places, patient):
    run, model = conversed([data], ALL_STEPS, places, [], patient=patient)
    check(run, model)
