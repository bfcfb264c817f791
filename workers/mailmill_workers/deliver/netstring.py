"""Netstrings: `LENGTH:BYTES,` with the length in decimal (D. J. Bernstein, Netstrings, 1997)."""

from __future__ import annotations

import re
from typing import Final

from mailmill.errors import MailmillError

#: A length without leading zeros; nine digits are far beyond every limit in use.
_LENGTH: Final = re.compile(rb"(?:0|[1-9][0-9]{0,8})\Z")
#: What of a length may have arrived while its colon has not.
_LENGTH_START: Final = re.compile(rb"(?:0?|[1-9][0-9]{0,8})\Z")


class NetstringError(MailmillError):
    """The bytes are not a netstring, or one that is longer than allowed."""


def encode(data: bytes) -> bytes:
    """Return `data` as a netstring."""
    return b"%d:%s," % (len(data), data)


class NetstringParser:
    """Takes the bytes of one netstring as they arrive, in pieces of any size."""

    def __init__(self, limit: int) -> None:
        """Refuse contents longer than `limit` bytes."""
        self._limit = limit
        self._buffer = bytearray()

    def feed(self, data: bytes) -> bytes | None:
        """Return the contents once the netstring is whole, else None. What follows it is not looked at.

        Raises:
            NetstringError: this can never become a netstring within the limit.
        """
        self._buffer += data
        digits, colon, rest = bytes(self._buffer[: self._limit + 12]).partition(b":")
        if not (_LENGTH if colon else _LENGTH_START).match(digits):
            raise NetstringError(f"not a netstring: {bytes(self._buffer[:40])!r}")
        if not colon:
            return None
        length = int(digits)
        if length > self._limit:
            raise NetstringError(f"a netstring of {length} bytes where {self._limit} are allowed")
        if len(rest) <= length:
            return None
        if rest[length : length + 1] != b",":
            raise NetstringError("a netstring does not end with a comma")
        return rest[:length]
