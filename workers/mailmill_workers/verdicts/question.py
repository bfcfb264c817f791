"""What was asked, as one digest: two questions have the same only when the engine is given the same."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Final

from mailmill_workers.mail import Mail
from mailmill_workers.verdicts.trace import without_trace

#: Changes when the meaning of a question or of an answer in the cache changes.
_FORMAT: Final = b"mailmill-verdict 1"
#: Bytes of a digest: nobody finds two messages with the same (birthday bound 2^128).
_DIGEST_SIZE: Final = 32


def question(engine: str, version: str, servers: Iterable[object], told: Iterable[str], mail: Mail) -> str:
    """Return the digest of a question, in hexadecimal.

    Args:
        engine: its word in the settings.
        version: what it says of its own version and signatures.
        servers: where it is asked; another server may have another configuration.
        told: all that it is told besides the message and that may change its answer, in a fixed order.
        mail: the message; of the edge's own Received header only what the engine may judge by counts.
    """
    digest = hashlib.blake2b(digest_size=_DIGEST_SIZE)
    edge, content = without_trace(mail.content, mail.queue_id)
    texts = (engine, version, *_counted(map(str, servers)), *_counted(told))
    for field in (_FORMAT, *(text.encode("utf-8", "surrogatepass") for text in texts), edge):
        # With its length, so that no two lists of fields make the same bytes.
        digest.update(b"%d:" % len(field))
        digest.update(field)
    digest.update(content)
    return digest.hexdigest()


def _counted(texts: Iterable[str]) -> tuple[str, ...]:
    fields = tuple(texts)
    return (str(len(fields)), *fields)
