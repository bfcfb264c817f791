"""How far Mailmill looks into a message; beyond it the message is unscannable."""

from __future__ import annotations

from typing import Final

#: Entities inside each other. The 6,000 messages of SpamAssassin's corpus have up to 3.
MAX_DEPTH: Final = 30

#: Bytes of the headers of one part (Postfix: header_size_limit, 102400).
MAX_HEADERS: Final = 256 * 1024

#: Bytes of the headers of all parts together. Each line costs the standard library 3 us (measured).
MAX_ALL_HEADERS: Final = 2_000_000

#: Characters of one Content-Type or Content-Disposition header. The standard library takes a time that grows
#: with the square of it: 3 ms here in the worst case (measured). Spam does come with 7,000 semicolons.
MAX_HEADER_VALUE: Final = 4096

#: Characters of a file name as it stands in a header. 255 characters of any script need up to 1,500 when they
#: are encoded by RFC 2047.
MAX_NAME: Final = 2048

#: Different boundaries that the Content-Type headers of one part may name; there should be one.
MAX_BOUNDARIES: Final = 4


class BeyondLimitsError(Exception):
    """The message is larger in some way than what is looked into; the text says in which."""
