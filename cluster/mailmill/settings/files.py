"""The files that a configuration is read from: those of this host, or a set that was published.

Everything that is read goes through one of these, so that it is known afterwards what a configuration was
made of: for its version, for publishing it, and to see when it changes.
"""

from __future__ import annotations

import errno
import fnmatch
import glob
import hashlib
import os
import stat
from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import Final, NamedTuple

#: Bytes of the hash of one file.
_DIGEST_BYTES: Final = 16


class Files(ABC):
    """Reads files by their path and notes a hash of each."""

    def __init__(self) -> None:
        """Begin with nothing read."""
        #: A hash of the bytes of each file that was read, by its absolute path.
        self.digests: dict[str, bytes] = {}
        #: The path of the file that the reading begins with; empty when there is none.
        self.main = ""

    def read(self, path: Path) -> bytes:
        """Return the bytes of a file.

        Raises:
            OSError: it is not there or cannot be read.
            ValueError: there is a NUL in the path.
        """
        name = os.path.abspath(path)  # noqa: PTH100 - pathlib's absolute() leaves the dots in
        data = self._read(name)
        self.digests[name] = hashlib.blake2b(data, digest_size=_DIGEST_BYTES).digest()
        return data

    @abstractmethod
    def find(self, pattern: str) -> list[str]:
        """Return the names that a pattern with wildcards fits, sorted; it fits like the shell's."""

    @abstractmethod
    def identity(self, path: Path) -> Path:
        """Return the path under which a file with several names is known."""

    @abstractmethod
    def _read(self, name: str) -> bytes:
        """Return the bytes of a file, as `read` does; `name` is absolute."""


class Stamp(NamedTuple):
    """What tells one state of a file from another, without reading it."""

    device: int
    inode: int
    size: int
    #: Nanoseconds since the epoch.
    changed: int

    @classmethod
    def of(cls, status: os.stat_result) -> Stamp:
        """Return the stamp of a file."""
        return cls(status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns)


class DiskState(NamedTuple):
    """The state of all files that a configuration was read from, and of the patterns they were found by."""

    #: None: there is no such file.
    stamps: Mapping[str, Stamp | None]
    found: Mapping[str, tuple[str, ...]]

    def now(self) -> DiskState:
        """Return the state that the same files and patterns have now."""
        return DiskState(
            {name: _stamp(name) for name in self.stamps},
            {pattern: tuple(_glob(pattern)) for pattern in self.found},
        )


class DiskFiles(Files):
    """The files of this host."""

    def __init__(self, *, keep: bool = False) -> None:
        """Read from disk; `keep` says whether to remember the bytes too."""
        super().__init__()
        self._keep = keep
        #: The bytes of each file that was read, when they are kept.
        self.kept: dict[str, bytes] = {}
        self._stamps: dict[str, Stamp | None] = {}
        self._found: dict[str, tuple[str, ...]] = {}
        #: What was seen, in the state that it was read in.
        self.state = DiskState(self._stamps, self._found)

    def find(self, pattern: str) -> list[str]:
        """See `Files`."""
        found = _glob(pattern)
        self._found[pattern] = tuple(found)
        return found

    def identity(self, path: Path) -> Path:
        """See `Files`; links are followed."""
        return path.resolve()

    def _read(self, name: str) -> bytes:
        self._stamps[name] = None
        # Not blocking: a FIFO without a writer would be waited for.
        with open(name, "rb", opener=_open_at_once) as file:
            status = os.fstat(file.fileno())
            self._stamps[name] = Stamp.of(status)
            if not stat.S_ISREG(status.st_mode) and name != os.devnull:
                raise OSError(errno.EINVAL, "Not a regular file", name)
            data = file.read()
        if self._keep:
            self.kept[name] = data
        return data


class GivenFiles(Files):
    """A set of files in memory. What is not in it is not there, whatever this host's disk has."""

    def __init__(self, contents: Mapping[str, bytes]) -> None:
        """Use the bytes of each file, by its absolute path."""
        super().__init__()
        self._contents = contents

    def find(self, pattern: str) -> list[str]:
        """See `Files`."""
        parts = pattern.split("/")
        return sorted(name for name in self._contents if _fits(name.split("/"), parts))

    def identity(self, path: Path) -> Path:
        """See `Files`."""
        return path

    def _read(self, name: str) -> bytes:
        try:
            return self._contents[name]
        except KeyError:
            raise FileNotFoundError(errno.ENOENT, "No such file in the published set", name) from None


def _open_at_once(name: str, flags: int) -> int:
    return os.open(name, flags | os.O_NONBLOCK)


def _glob(pattern: str) -> list[str]:
    return sorted(glob.glob(pattern))  # noqa: PTH207 - it may be absolute


def _fits(names: list[str], patterns: list[str]) -> bool:
    return len(names) == len(patterns) and all(
        fnmatch.fnmatchcase(name, pattern) and (pattern.startswith(".") or not name.startswith("."))
        for name, pattern in zip(names, patterns, strict=True)
    )


def _stamp(name: str) -> Stamp | None:
    try:
        return Stamp.of(os.stat(name))  # noqa: PTH116 - a plain path, many times a minute
    except (OSError, ValueError):
        return None
