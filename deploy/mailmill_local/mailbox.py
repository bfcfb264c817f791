"""Reading the relay's Maildir: one file for each message and recipient."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

#: The headers that the relay itself puts on top, in this order (Postfix: virtual(8), cleanup(8)).
_RELAY_HEADERS = (b"return-path:", b"x-original-to:", b"delivered-to:", b"received:")


@dataclass(frozen=True)
class Received:
    """One message as the relay delivered it to one recipient."""

    recipient: str
    sender: str
    #: The message as it was submitted to the relay: LF line ends, without the headers that the relay added.
    data: bytes
    path: Path

    @property
    def body(self) -> bytes:
        """The bytes after the first empty line."""
        return self.data.partition(b"\n\n")[2]

    def header(self, name: str) -> str | None:
        """Return the first header of this name, unfolded, or None."""
        wanted = name.lower().encode() + b":"
        for field in _fields(self.data):
            if field.lower().startswith(wanted):
                return b" ".join(field.split(b":", 1)[1].split()).decode("utf-8", "replace")
        return None


class Mailbox:
    """The relay's Maildir.

    Args:
        directory: The Maildir; it need not exist yet.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def messages(self) -> list[Received]:
        """Return all that was delivered, in the order of their file names (about that of delivery)."""
        return [_read(path) for path in sorted((self.directory / "new").glob("*"))]

    def clear(self) -> None:
        """Remove all that was delivered."""
        for path in (self.directory / "new").glob("*"):
            path.unlink()


def _read(path: Path) -> Received:
    data = path.read_bytes()
    added: dict[bytes, str] = {}
    for name in _RELAY_HEADERS:
        field = _first_field(data)
        if not field.lower().startswith(name):
            break
        added[name] = field.split(b":", 1)[1].strip().decode("utf-8", "replace")
        data = data[len(field) :]
    return Received(
        recipient=added.get(b"x-original-to:", ""),
        sender=added.get(b"return-path:", "").strip("<>"),
        data=data,
        path=path,
    )


def _first_field(data: bytes) -> bytes:
    """Return the first header field with its continuation lines and line ends."""
    end = 0
    while True:
        newline = data.find(b"\n", end)
        if newline < 0:
            return data
        end = newline + 1
        if data[end : end + 1] not in {b" ", b"\t"}:
            return data[:end]


def _fields(data: bytes) -> list[bytes]:
    fields = []
    while data and not data.startswith(b"\n"):
        field = _first_field(data)
        fields.append(field)
        data = data[len(field) :]
    return fields
