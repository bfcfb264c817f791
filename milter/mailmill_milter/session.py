"""One SMTP session: takes its messages over, one after the other, and answers at the end of each.

A session knows nothing of the milter library. Its methods are called in the order of the SMTP dialogue; only
`connect`, `unwelcome` (behind MAIL) and `end_of_message` have answers, for the others none is even sent.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from mailmill.envelope import Client
from mailmill.errors import SpoolError
from mailmill.intake import Arrival, IntakeWriter
from mailmill.mailids import QUEUE_ID, long_queue_id, new_mail_id, queue_id_of, short_queue_id
from mailmill.settings.options.choices import QueueType
from mailmill.spool import Spool
from mailmill.spoolfile import SpoolHeader, pack
from mailmill.spoolwriter import SpoolWriter
from mailmill_milter.answers import ACCEPT, CONTINUE, DISCARD, Answer, reject, tempfail
from mailmill_milter.blocklist import Blocklist
from mailmill_milter.facts import Macros, host_address, host_name, is_loopback, sasl_of, tls_of
from mailmill_milter.gate import Gate
from mailmill_milter.inhand import InHand
from mailmill_milter.received import received_header
from mailmill_milter.text import printable
from mailmill_milter.transaction import Transaction, bare_address, esmtp_arguments

log = logging.getLogger(__name__)

#: Bytes of a message that are kept in memory, and go into the intake when that was all. A larger message gets
#: a spool file of its own, which is written while it comes in.
SPILL: Final = 2**20
#: Random bits in a queue id of our own: as many as an inode number commonly has.
_QUEUE_ID_BITS: Final = 24


@dataclass(frozen=True)
class Edge:
    """What all sessions of a process share."""

    #: The edge's name in the cluster.
    name: str
    #: Its name in Received headers where the MTA does not give its own.
    hostname: str
    spool: Spool
    intake: IntakeWriter
    queue_type: QueueType
    gate: Gate
    #: None: `Milter Scanner = no`.
    blocklist: Blocklist | None
    ignore_loopback: bool
    #: Seconds since the epoch.
    clock: Callable[[], float]
    in_hand: InHand
    #: The version of the configuration that all this is from.
    configuration: str = ""


@dataclass
class _Taking:
    """A message on its way into the spool."""

    writer: SpoolWriter
    mail_id: str


@dataclass(frozen=True)
class _Report:
    """The line in the log that tells of an answer."""

    transaction: Transaction | None
    answer: Answer
    mail_id: str
    configuration: str

    def write(self) -> None:
        transaction = self.transaction
        if transaction is None:
            log.warning("NOQUEUE: answer=%s", self.answer)
            return
        envelope = transaction.envelope
        log.info(
            "%s: queue-id=%s, client=%s[%s], from=<%s>, nrcpt=%d, size=%d, message-id=%s, conf=%s, answer=%s",
            self.mail_id or "NOQUEUE",
            queue_id_of(self.mail_id),
            printable(envelope.client.name),
            printable(envelope.client.address),
            printable(envelope.sender),
            len(envelope.recipients),
            transaction.size,
            printable(transaction.message_id),
            self.configuration,
            self.answer,
        )


class Session:
    """The state of one SMTP connection, and of the one transaction that it may have open."""

    def __init__(self, edge: Callable[[], Edge]) -> None:
        """Ask for the edge of now at the beginning of each message, which goes by that to its end."""
        self._edge_of_now = edge
        self._edge = edge()
        self._client: Client | None = None
        self._hostname = self._edge.hostname
        self._helo = ""
        self._transaction: Transaction | None = None
        self._taking: _Taking | None = None
        #: Whether the transaction counts as in hand.
        self._counted = False
        #: Whether what comes of the message in hand may keep its caller waiting: for a file of its own.
        self.slow = False
        #: Whether its end may: for rules of the blocklist.
        self.asks = False
        #: Whether the blocklist was asked.
        self._judged = False
        #: What the log is still to be told.
        self._report: _Report | None = None
        #: Why the message in hand cannot be taken, as soon as that is known.
        self._refusal: Answer | None = None

    def connect(self, name: str, address: str, port: int, macros: Macros) -> Answer:
        """Begin a session with a client; `address` is empty for a local submission."""
        self._end()
        self._edge = self._edge_of_now()
        self._client = Client(name=host_name(name), address=host_address(address), port=port, helo="")
        self._hostname = macros("j") or self._edge.hostname
        self._helo = ""
        if self._edge.in_hand.draining:
            return tempfail("the mail filter is stopping")
        if self._edge.ignore_loopback and is_loopback(self._client.address):
            return ACCEPT
        return CONTINUE

    def helo(self, name: str) -> None:
        """Take a HELO or EHLO: it ends a transaction (RFC 5321 4.1.4) and replaces the name before it."""
        self._end()
        self._helo = name

    def mail(self, arguments: tuple[bytes, ...], macros: Macros) -> None:
        """Begin a new transaction; nothing of an earlier one is left."""
        self._end()
        self._edge = self._edge_of_now()
        self._counted = self._edge.in_hand.begin()
        self.asks = self._edge.blocklist is not None and self._edge.blocklist.may_wait
        client = self._client or Client(name="unknown", address="", port=0, helo="")
        self._transaction = Transaction(
            sender=bare_address(arguments[0]),
            sender_args=esmtp_arguments(arguments[1:]),
            client=Client(name=client.name, address=client.address, port=client.port, helo=self._helo),
            tls=tls_of(macros),
            sasl=sasl_of(macros),
        )
        if not self._counted:
            self.fail("the mail filter is stopping")
        if self._client is None:
            self.fail("the mail filter was not told the client's address")

    def unwelcome(self) -> Answer | None:
        """Return why no mail at all is taken now; the transaction is then over.

        Asked behind MAIL where that has an answer: on a connection that began while the gate was closed.
        """
        answer = self._refusal
        if answer is None:
            try:
                answer = self._edge.gate.refusal(0)
            except OSError as exc:
                answer = tempfail(f"mail spool: {exc.strerror or exc}")
        if answer:
            self._answer(answer, "")
            self.report()
        return answer

    def rcpt(self, arguments: tuple[bytes, ...]) -> None:
        """Add a recipient."""
        if self._transaction:
            self._transaction.recipient(bare_address(arguments[0]), esmtp_arguments(arguments[1:]))

    def header(self, name: bytes, value: bytes, macros: Macros) -> None:
        """Add a header; `value` is all that stands behind the colon."""
        if self._transaction:
            self._transaction.header(name, value)
            if self._transaction.pending >= SPILL:
                self._spill(self._transaction, macros)

    def end_of_headers(self) -> None:
        """Add the empty line behind the headers."""
        if self._transaction:
            self._transaction.end_of_headers()

    def body(self, chunk: bytes, macros: Macros) -> None:
        """Add a piece of the body."""
        if self._transaction:
            self._transaction.body(chunk)
            if self._transaction.pending >= SPILL:
                self._spill(self._transaction, macros)

    def end_of_message(self, macros: Macros, rest: bytes = b"") -> Answer:
        """Make the message durable and answer, however long that takes; `rest` is the end of its body.

        DISCARD means that the spool has it. After any other answer the spool has nothing of it. Whatever the
        answer, nothing of the message stays in the session.
        """
        found = self.complete(macros, rest)
        if isinstance(found, Arrival):
            error: Exception | None
            try:
                (error,) = self._edge.intake.append_all((found,))
            except Exception as exc:  # noqa: BLE001 - it is logged; whatever it is, the sender must keep the message
                error = exc
            found = self.settle(found, error)
        self.report()
        return found

    def complete(self, macros: Macros, rest: bytes = b"") -> Answer | Arrival:
        """Return the message for the intake, or the answer where it is not for that.

        A message for the intake stays in hand until `settle` is told what became of it.
        """
        transaction = self._transaction
        mail_id = ""
        try:
            if transaction is None:
                answer = tempfail("the mail filter saw no MAIL command")
            else:
                if rest:
                    self.body(rest, macros)
                transaction.end()
                found = self._finish(transaction, macros)
                if isinstance(found, Arrival):
                    return found
                answer, mail_id = found
        except Exception as exc:  # noqa: BLE001 - it is logged; whatever it is, the sender must keep the message
            answer = _unforeseen(exc)
        return self._answer(answer, mail_id)

    def settle(self, arrival: Arrival, error: Exception | None) -> Answer:
        """Return the answer to a message that `complete` has returned: it is in the intake, or why it is not.

        The log is told by `report`, which can wait until the answer is on its way.
        """
        if error is None:
            return self._answer(DISCARD, arrival.name)
        if isinstance(error, SpoolError):
            return self._answer(tempfail(_spool_trouble(error)), "")
        return self._answer(_unforeseen(error), "")

    def report(self) -> None:
        """Tell the log of the last answer, unless that is done."""
        report, self._report = self._report, None
        if report:
            report.write()

    def fail(self, reason: str) -> None:
        """Refuse the message in hand for now, at its end."""
        self._refusal = self._refusal or tempfail(reason)

    def abort(self) -> None:
        """Forget the transaction (RSET, or the connection broke)."""
        self._end()

    def close(self) -> None:
        """End the session."""
        self.report()
        self._end()
        self._client = None

    @property
    def busy(self) -> bool:
        """Whether a transaction is open."""
        return self._transaction is not None

    def _answer(self, answer: Answer, mail_id: str) -> Answer:
        """End the message with an answer."""
        self.report()
        self._report = _Report(self._transaction, answer, mail_id, self._edge.configuration)
        self._end()
        return answer

    def _finish(self, transaction: Transaction, macros: Macros) -> tuple[Answer, str] | Arrival:
        if self._refusal is None and not transaction.envelope.recipients:
            self.fail("the mail filter saw no recipient")
        try:
            if not self._admit(transaction, at_end=True):
                return self._refusal or tempfail("mail filter error"), ""
            if self._taking is None:
                header, received = self._head(transaction, macros)
                return Arrival(header.id, pack(header, received + transaction.take()))
            self._taking.writer.write(transaction.take())
            self._taking.writer.commit()
        except SpoolError as exc:
            return tempfail(_spool_trouble(exc)), ""
        return DISCARD, self._taking.mail_id

    def _spill(self, transaction: Transaction, macros: Macros) -> None:
        """Write what has come in; once the message is refused, drop it."""
        try:
            admitted = self._admit(transaction, at_end=False)
            content = transaction.take()
            if admitted:
                taking = self._taking or self._open(transaction, macros)
                taking.writer.write(content)
        except SpoolError as exc:
            self.fail(_spool_trouble(exc))
            self._discard_file()

    def _admit(self, transaction: Transaction, *, at_end: bool) -> bool:
        """Return whether the message, so far, may be taken over."""
        if self._refusal is None:
            self._refusal = self._objection(transaction, at_end=at_end)
        if self._refusal:
            self._discard_file()
        return self._refusal is None

    def _objection(self, transaction: Transaction, *, at_end: bool) -> Answer | None:
        blocklist = self._edge.blocklist
        # The envelope is known before the content, but rules that may wait are asked at the end.
        if blocklist and not self._judged and (at_end or not self.asks):
            self._judged = True
            if blocklist.refuses(transaction.envelope):
                return reject("Message Blocklisted")
        try:
            return self._edge.gate.refusal(transaction.pending)
        except OSError as exc:
            return tempfail(f"mail spool: {exc.strerror or exc}")

    def _open(self, transaction: Transaction, macros: Macros) -> _Taking:
        """Begin a spool file of its own: the message is too large to wait in memory for its end."""
        header, received = self._head(transaction, macros)
        self.slow = True
        taking = self._taking = _Taking(self._edge.spool.create(header), header.id)
        taking.writer.write(received)
        return taking

    def _head(self, transaction: Transaction, macros: Macros) -> tuple[SpoolHeader, bytes]:
        """Return what the spool file begins with: its header, and the message's Received header."""
        now = self._edge.clock()
        announced = macros("i") or ""
        queue_id = announced if QUEUE_ID.match(announced) else self._own_queue_id(now)
        envelope = transaction.envelope
        header = SpoolHeader(
            id=new_mail_id(now, queue_id),
            edge=self._edge.name,
            arrival=now,
            queue_id=queue_id,
            envelope=envelope,
            message_id=transaction.message_id,
        )
        return header, received_header(envelope, hostname=self._hostname, queue_id=queue_id, now=now)

    def _own_queue_id(self, now: float) -> str:
        number = secrets.randbits(_QUEUE_ID_BITS)
        if self._edge.queue_type is QueueType.LONG:
            return long_queue_id(now, number)
        return short_queue_id(now, number)

    def _discard_file(self) -> None:
        taking, self._taking = self._taking, None
        if taking:
            taking.writer.abandon()

    def _end(self) -> None:
        self._discard_file()
        self._refusal = None
        self._transaction = None
        self.slow = self.asks = self._judged = False
        if self._counted:
            self._counted = False
            self._edge.in_hand.end()


def _unforeseen(exc: Exception) -> Answer:
    log.error("a message could not be taken over", exc_info=exc)
    return tempfail(f"mail filter: {type(exc).__name__}")


def _spool_trouble(exc: SpoolError) -> str:
    """Log an error of the spool, and return its reason for the sender: without our paths."""
    log.error("%s", printable(str(exc)))
    cause = exc.__cause__
    return f"mail spool: {cause.strerror if isinstance(cause, OSError) else 'failed'}"
