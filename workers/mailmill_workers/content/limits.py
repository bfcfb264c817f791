"""How far Mailmill looks into a message; beyond it the message is unscannable."""

from __future__ import annotations

from typing import Final

#: Entities inside each other. Real mail has up to 8 (a forwarded reply to a signed bounce).
MAX_DEPTH: Final = 30

#: Bytes of the headers of one part (Postfix: header_size_limit, 102400).
MAX_HEADERS: Final = 256 * 1024

#: Characters of one Content-Type or Content-Disposition header. The standard library takes a time that grows
#: with the square of it: 4 ms here in the worst case (measured).
MAX_HEADER_VALUE: Final = 8192

#: Characters of a file name as it stands in a header. 255 characters of any script need up to 1,500 when they
#: are encoded by RFC 2047.
MAX_NAME: Final = 2048

#: Different boundaries that the Content-Type headers of one part may name; there should be one.
MAX_BOUNDARIES: Final = 4


class BeyondLimitsError(Exception):
    """The message is larger in some way than what is looked into; the text says in which."""
