"""The MTA's side of the milter protocol for tests: miltertest's codec, but with bytes and without awaited
replies for the stages that the milter negotiated as silent."""

from __future__ import annotations

import socket
import struct
from pathlib import Path
from types import TracebackType
from typing import Self

from miltertest import MilterConnection
from miltertest import constants as c

#: Replies that end a stage.
_FINAL = {
    c.SMFIR_ACCEPT,
    c.SMFIR_CONTINUE,
    c.SMFIR_DISCARD,
    c.SMFIR_REJECT,
    c.SMFIR_REPLYCODE,
    c.SMFIR_TEMPFAIL,
}
_SILENT = {
    c.SMFIC_CONNECT: c.SMFIP_NR_CONN,
    c.SMFIC_HELO: c.SMFIP_NR_HELO,
    c.SMFIC_MAIL: c.SMFIP_NR_MAIL,
    c.SMFIC_RCPT: c.SMFIP_NR_RCPT,
    c.SMFIC_HEADER: c.SMFIP_NR_HDR,
    c.SMFIC_EOH: c.SMFIP_NR_EOH,
    c.SMFIC_BODY: c.SMFIP_NR_BODY,
}
#: What Postfix puts into one body packet at most (MILTER_CHUNK_SIZE).
CHUNK = 65535


class Mta:
    """One connection of an MTA to a milter. A stage returns the milter's reply, or "" when it is silent."""

    def __init__(
        self, address: Path | tuple[str, int], *, protocol: int = c.SMFI_V6_PROT, timeout: float = 30
    ) -> None:
        """Connect to a unix socket, or to an IP address and a port."""
        if isinstance(address, Path):
            self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        else:
            family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
            self.socket = socket.socket(family, socket.SOCK_STREAM)
        self.socket.settimeout(timeout)
        try:
            self.socket.connect(str(address) if isinstance(address, Path) else address)
            self._milter = MilterConnection(self.socket)
            _, self.protocol = self._milter.optneg_mta(protocol=protocol)
        except BaseException:
            self.socket.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.socket.close()

    def send(self, command: str, data: bytes = b"") -> None:
        self.socket.sendall(struct.pack("!I", len(data) + 1) + command.encode() + data)

    def macros(self, command: str, values: dict[str, str]) -> None:
        pairs = b"".join(_text(name) + _text(value) for name, value in values.items())
        self.send(c.SMFIC_MACRO, command.encode() + pairs)

    def stage(self, command: str, data: bytes = b"") -> str:
        self.send(command, data)
        if self.protocol & _SILENT.get(command, 0):
            return ""
        return self.reply()

    def reply(self) -> str:
        """Return the milter's reply: a word, or an SMTP reply line."""
        while True:
            code, fields = self._milter.recv()
            if code == c.SMFIR_REPLYCODE:
                return f"{fields['smtpcode']} {fields['text']}"
            if code in _FINAL:
                return {
                    c.SMFIR_ACCEPT: "accept",
                    c.SMFIR_CONTINUE: "continue",
                    c.SMFIR_DISCARD: "discard",
                    c.SMFIR_REJECT: "reject",
                    c.SMFIR_TEMPFAIL: "tempfail",
                }[code]

    def connect(
        self, name="client.example", address="192.0.2.7", *, family="4", port=4711, macros=None
    ) -> str:
        self.macros(c.SMFIC_CONNECT, macros or {"j": "mx.example", "v": "Postfix 3.7"})
        tail = b"" if family == "U" else struct.pack("!H", port) + _text(address)
        return self.stage(c.SMFIC_CONNECT, _text(name) + family.encode() + tail)

    def helo(self, name: str | bytes = "helo.example", macros=None) -> str:
        self.macros(c.SMFIC_HELO, macros or {})
        return self.stage(c.SMFIC_HELO, _text(name))

    def mail(self, sender: str | bytes, *args: str, macros=None) -> str:
        self.macros(c.SMFIC_MAIL, macros or {})
        return self.stage(c.SMFIC_MAIL, b"".join(_text(part) for part in (sender, *args)))

    def rcpt(self, recipient: str | bytes, *args: str) -> str:
        return self.stage(c.SMFIC_RCPT, b"".join(_text(part) for part in (recipient, *args)))

    def header(self, name: str | bytes, value: str | bytes) -> str:
        return self.stage(c.SMFIC_HEADER, _text(name) + _text(value))

    def end_of_headers(self) -> str:
        return self.stage(c.SMFIC_EOH)

    def body(self, chunk: bytes) -> str:
        return self.stage(c.SMFIC_BODY, chunk)

    def end_of_message(self, queue_id: str | None = "4ABCDEF123") -> str:
        if queue_id is not None:
            self.macros(c.SMFIC_BODYEOB, {"i": queue_id})
        return self.stage(c.SMFIC_BODYEOB)

    def abort(self) -> None:
        self.send(c.SMFIC_ABORT)

    def quit(self) -> None:
        self.send(c.SMFIC_QUIT)

    def message(
        self, sender="<a@example.org>", recipients=("<b@example.net>",), body=b"hello\r\n", **eom
    ) -> str:
        """One whole transaction with a Subject header; a refused MAIL ends it, as with Postfix."""
        refusal = self.mail(sender)
        if refusal not in {"", "continue"}:
            return refusal
        for recipient in recipients:
            self.rcpt(recipient)
        self.header("Subject", " test")
        self.end_of_headers()
        for start in range(0, len(body), CHUNK):
            self.body(body[start : start + CHUNK])
        return self.end_of_message(**eom)


def _text(value: str | bytes) -> bytes:
    return (value.encode() if isinstance(value, str) else value) + b"\0"
