"""Contents in a directory: for nodes that share a file system (one host, a shared volume, NFS)."""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Iterable, Mapping
from pathlib import Path

from mailmill.errors import ContentsError


class DirectoryContents:
    """A `ContentsStore` in a directory. Not synced to disk: the spool is, and it can fill this again."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def _path(self, key: str) -> Path:
        # One level by the last characters: keys begin with the time and would all fall into one directory.
        return self._root / key[-2:].replace("/", "_") / key.replace("/", "_")

    def put(self, items: Mapping[str, bytes]) -> None:
        """See `ContentsStore`."""
        for key, data in items.items():
            path = self._path(key)
            temporary = path.with_name(f"{path.name}.{os.getpid()}.{secrets.token_hex(4)}.tmp")
            try:
                path.parent.mkdir(mode=0o770, parents=True, exist_ok=True)
                temporary.write_bytes(data)
                temporary.rename(path)
            except OSError as exc:
                with contextlib.suppress(OSError):
                    temporary.unlink(missing_ok=True)
                raise ContentsError(f"cannot store {key} in {self._root}: {exc.strerror}") from exc

    def get(self, keys: Iterable[str]) -> dict[str, bytes]:
        """See `ContentsStore`."""
        found = {}
        for key in keys:
            try:
                found[key] = self._path(key).read_bytes()
            except FileNotFoundError:
                continue
            except OSError as exc:
                raise ContentsError(f"cannot fetch {key} from {self._root}: {exc.strerror}") from exc
        return found

    def remove(self, keys: Iterable[str]) -> None:
        """See `ContentsStore`."""
        for key in keys:
            try:
                self._path(key).unlink(missing_ok=True)
            except OSError as exc:
                raise ContentsError(f"cannot remove {key} from {self._root}: {exc.strerror}") from exc
