"""The contents store: the bytes of mail in flight, by key. Tasks carry keys, never contents (claim check)."""

from __future__ import annotations

from mailmill.contents.store import ContentsStore, open_store

__all__ = ["ContentsStore", "open_store"]
