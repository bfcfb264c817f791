"""One part of a message."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Part:
    """A MIME entity, or a uuencoded file in a text."""

    #: Where it stands: `()` is the message itself, `(0, 1)` the second part of its first part.
    path: tuple[int, ...]
    #: Type and subtype in lower case, without parameters, as declared.
    content_type: str
    #: Every name that a mail program may show it under; the first is the most likely one.
    names: tuple[str, ...]
    #: Its bytes after the transfer encoding is undone; none where they are those of the parts inside.
    content: bytes

    @property
    def filename(self) -> str:
        """The name as the recipient would see it; empty when it has none."""
        return self.names[0] if self.names else ""
