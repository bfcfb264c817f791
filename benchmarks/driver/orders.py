"""What the driver is told on standard input, and what it answers on standard output; JSON both ways."""

from __future__ import annotations

from msgspec import Struct


class Mail(Struct, frozen=True):
    """Where the messages come from: the corpus, or sizes drawn from a log-normal distribution."""

    #: The directory of the corpus (`mailmill_local.corpus`); empty: synthetic messages.
    corpus: str = ""
    #: Of the choice of messages, or of the sizes.
    seed: int = 1
    #: Median size of synthetic messages in bytes.
    median: int = 3900
    #: Sigma of the logarithm of their sizes; 1.16 makes the mean about twice the median. 0: all the same.
    sigma: float = 1.16


class Orders(Struct, frozen=True):
    """What is sent, and how."""

    port: int
    count: int
    mail: Mail = Mail()
    connections: int = 10
    #: Messages on a connection before it is closed and opened anew.
    per_connection: int = 20
    #: Messages a second over all connections; 0: as fast as the server answers.
    rate: float = 0
    #: Seconds over which the connections are opened, evenly.
    ramp: float = 0
    sender: str = "sender@example.org"
    #: Recipients are `{prefix}{number:06}@example.com`, one for each message.
    prefix: str = "m"


class Sent(Struct, frozen=True, array_like=True):
    """One message. Times are seconds of the monotonic clock, which all processes of a host share."""

    number: int
    #: When it was to be sent: with a rate, its turn, whether or not a connection was free; else MAIL FROM.
    due: float
    #: When the last answer came.
    answered: float
    #: The answer to the message, or the one that refused it; 0: the connection broke.
    code: int
    #: The text of that answer.
    text: str


class Outcome(Struct, frozen=True):
    """What became of it."""

    sent: list[Sent]
    #: Seconds from the first connection to the last answer.
    seconds: float
    #: Seconds of processor, user and system, that the driver took meanwhile.
    cpu: float
    #: Bytes of the messages as they were sent.
    bytes: int

    @property
    def accepted(self) -> int:
        """Messages that were answered with 250."""
        return sum(each.code == 250 for each in self.sent)  # noqa: PLR2004 - RFC 5321: completed

    @property
    def rate(self) -> float:
        """Accepted messages a second."""
        return self.accepted / self.seconds

    @property
    def latencies(self) -> list[float]:
        """Seconds from when each accepted message was due to its 250."""
        return [each.answered - each.due for each in self.sent if each.code == 250]  # noqa: PLR2004 - as above
