"""One mail transaction as the milter sees it: its envelope, and its content with LF line ends."""

from __future__ import annotations

from typing import Final

from mailmill.envelope import Client, Envelope, Recipient, Sasl, Tls

#: Longest Message-ID that is kept for looking a message up, in bytes: a line's limit (RFC 5322 2.1.1).
_LONGEST_MESSAGE_ID: Final = 998


class LineEnds:
    """Turns CRLF into LF, once: a CR of its own, or in front of CRLF, is content and stays."""

    def __init__(self) -> None:
        self._held = b""

    def convert(self, chunk: bytes) -> bytes:
        """Return what is certain of a chunk; a CR at its end is held back until the next one."""
        data = self._held + chunk
        self._held = b"\r" if data.endswith(b"\r") else b""
        return data[: len(data) - len(self._held)].replace(b"\r\n", b"\n")

    def finish(self) -> bytes:
        """Return what was held back."""
        held, self._held = self._held, b""
        return held


class Transaction:
    """Collects one message from MAIL FROM to the end of its body.

    Knows nothing of milters, files or other transactions: a new MAIL FROM is a new object.
    """

    def __init__(
        self,
        sender: str,
        sender_args: tuple[str, ...],
        client: Client,
        tls: Tls | None = None,
        sasl: Sasl | None = None,
    ) -> None:
        self._sender = sender
        self._sender_args = sender_args
        self._client = client
        self._tls = tls
        self._sasl = sasl
        self._recipients: list[Recipient] = []
        self._pieces: list[bytes] = []
        self._lines = LineEnds()
        self._in_body = False
        self.message_id = ""
        #: Bytes of content that `take` has not handed out yet, and those that it has.
        self.pending = 0
        self._taken = 0

    @property
    def size(self) -> int:
        """Bytes of content so far."""
        return self._taken + self.pending

    @property
    def envelope(self) -> Envelope:
        """The envelope so far."""
        return Envelope(
            sender=self._sender,
            recipients=tuple(self._recipients),
            client=self._client,
            sender_args=self._sender_args,
            tls=self._tls,
            sasl=self._sasl,
        )

    def recipient(self, address: str, args: tuple[str, ...]) -> None:
        """Add the recipient of one RCPT TO."""
        self._recipients.append(Recipient(address, args))

    def header(self, name: bytes, value: bytes) -> None:
        """Add a header; `value` is all that stood behind the colon, its lines separated by LF."""
        if not self.message_id and name.lower() == b"message-id":
            self.message_id = value.strip()[:_LONGEST_MESSAGE_ID].decode("utf-8", "surrogateescape")
        piece = name + b":" + value + b"\n"
        self._pieces.append(piece)
        self.pending += len(piece)

    def end_of_headers(self) -> None:
        """Add the empty line between headers and body."""
        self._in_body = True
        self._add(b"\n")

    def body(self, chunk: bytes) -> None:
        """Add body bytes with CRLF line ends, cut anywhere."""
        if not self._in_body:
            self.end_of_headers()
        self._add(self._lines.convert(chunk))

    def end(self) -> None:
        """Add what the last chunk left open."""
        self._add(self._lines.finish())

    def take(self) -> bytes:
        """Return the content that was added since the last call."""
        content = b"".join(self._pieces)
        self._pieces.clear()
        self._taken += self.pending
        self.pending = 0
        return content

    def _add(self, piece: bytes) -> None:
        if piece:
            self._pieces.append(piece)
            self.pending += len(piece)


def bare_address(argument: bytes) -> str:
    """Return the address in the argument of MAIL or RCPT: without angle brackets and without a source route.

    Source: RFC 5321 4.1.2; appendix C asks to ignore `@one,@two:` in front of the address.
    """
    text = argument.decode("utf-8", "surrogateescape").strip()
    if text.startswith("<") and text.endswith(">"):
        text = text[1:-1]
    if text.startswith("@"):
        _, colon, rest = text.partition(":")
        text = rest if colon else text
    return text


def esmtp_arguments(arguments: tuple[bytes, ...]) -> tuple[str, ...]:
    """Return the ESMTP arguments of MAIL or RCPT as text."""
    return tuple(argument.decode("utf-8", "surrogateescape") for argument in arguments)
