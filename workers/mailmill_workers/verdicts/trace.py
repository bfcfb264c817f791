"""A message without what its own edge wrote about this one copy of it.

The edge puts one Received header on top (`mailmill_milter.received`). Its queue id, its date and the edge's
name differ for each copy of the same message, and say nothing about the content. The rest of that header
stays: what the client called itself, its name and address, its encryption.
"""

from __future__ import annotations

import re
from typing import Final

#: The end of the edge's header: `by EDGE (Mailmill) with PROTOCOL id QUEUE-ID`, then `for <RECIPIENT>; DATE`,
#: or `;` and the date on a line of its own. Only mail without a client begins with `by`.
_TAIL: Final = re.compile(
    rb"(?P<start>\AReceived: |\n\t)by [^\s]+ \(Mailmill\)(?P<protocol>(?: with [A-Z0-9]+)?)"
    rb" id (?P<id>[^\s;]+)"
    rb"(?:\n\tfor <[^\n]*>; [^\n]+|;\n\t[^\n]+)\n\Z"
)
#: The longest header that is looked at, in bytes; the edge's longest has about 2,000.
_LONGEST: Final = 8192


def without_trace(content: bytes, queue_id: str) -> tuple[bytes, memoryview]:
    """Return what stays of the edge's own header, and the content after it.

    When the first header is not the one that an edge writes for this queue id, nothing is taken away: the
    first value is empty and the second the whole content.
    """
    head = _first_header(content)
    tail = _TAIL.search(head)
    if tail is None or tail["id"] != queue_id.encode("utf-8", "surrogateescape"):
        return b"", memoryview(content)
    return head[: tail.start()] + tail["start"] + tail["protocol"], memoryview(content)[len(head) :]


def _first_header(content: bytes) -> bytes:
    end = 0
    while (end := content.find(b"\n", end, _LONGEST)) >= 0:
        end += 1
        if content[end : end + 1] not in {b" ", b"\t"}:
            return content[:end]
    return b""
