"""The interface of a contents store, and which one a URL means."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit


class ContentsStore(Protocol):
    """Bytes by key, shared by all nodes. Losing them costs a delay, never a message: the spool is the truth.

    Keys are Mailmill ids and delivery ids. Every method raises `ContentsError` when the store cannot be used.
    """

    def put(self, items: Mapping[str, bytes]) -> None:
        """Store all items in one round trip; an item that is there is replaced."""

    def get(self, keys: Iterable[str]) -> dict[str, bytes]:
        """Return what is there of `keys`, in one round trip; a key that is not there is left out."""

    def remove(self, keys: Iterable[str]) -> None:
        """Remove all keys in one round trip; a key that is not there is no error."""


def open_store(url: str, lifetime: int) -> ContentsStore:
    """Return the store of a URL: `redis://...`, `rediss://...`, `unix://...`, or `file:///directory`.

    `lifetime`, in seconds, is how long a store that can forget by itself (Redis) keeps an item.

    Raises:
        ValueError: the URL has another scheme.
    """
    parts = urlsplit(url)
    if parts.scheme == "file":
        from mailmill.contents.directory import DirectoryContents  # noqa: PLC0415 - only what is in use

        return DirectoryContents(Path(parts.path))
    if parts.scheme in {"redis", "rediss", "unix"}:
        from mailmill.contents.redis import RedisContents  # noqa: PLC0415 - only what is in use

        return RedisContents.from_url(url, lifetime)
    raise ValueError(f"contents store: unknown scheme {parts.scheme!r} (redis, rediss, unix or file)")
