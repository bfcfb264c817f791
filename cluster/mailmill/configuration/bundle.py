"""All files of a configuration as one piece of bytes: MailScanner.conf and everything that it names."""

from __future__ import annotations

import zlib
from pathlib import Path
from typing import Final, Self

import msgspec
from msgspec import Struct

from mailmill.errors import ConfigError, RecordError
from mailmill.settings.files import DiskFiles, GivenFiles

#: The most files of one configuration: MailScanner ships some 400, most of them texts in 20 languages.
MOST_FILES: Final = 10_000
#: The most bytes of all files together. A ruleset of 100,000 lines has 4 MB.
MOST_BYTES: Final = 64_000_000
#: The most bytes that they may have when packed: Redis keeps the last versions beside the mail in flight.
MOST_PACKED: Final = 16_000_000
#: zlib's level: 6 is as good as 9 for text, in half the time.
_LEVEL: Final = 6


class BundledFile(Struct, frozen=True, array_like=True):
    """One file."""

    #: Absolute, as the host had it that the files are from.
    path: str
    content: bytes


class Bundle(Struct, frozen=True):
    """The files of a configuration."""

    #: The path of MailScanner.conf; empty when there was none, so that all options have their defaults.
    main: str
    files: tuple[BundledFile, ...]

    @classmethod
    def of(cls, files: DiskFiles) -> Self:
        """Return the files that a configuration was read from, with their bytes.

        Raises:
            ConfigError: there are too many, or one has a name that is not UTF-8.
        """
        bundle = cls(files.main, tuple(BundledFile(*item) for item in sorted(files.kept.items())))
        problems = []
        if len(bundle.files) > MOST_FILES:
            problems.append(f"{len(bundle.files)} files are more than the {MOST_FILES} that can be published")
        if bundle.size > MOST_BYTES:
            problems.append(f"{bundle.size} bytes are more than the {MOST_BYTES} that can be published")
        for file in bundle.files:
            try:
                file.path.encode()
            except UnicodeEncodeError:
                problems.append(f"{file.path!r}: the name is not UTF-8")
        if problems:
            raise ConfigError(problems)
        return bundle

    @property
    def size(self) -> int:
        """Bytes of all files together."""
        return sum(len(file.content) for file in self.files)

    def given(self) -> GivenFiles:
        """Return the files to read a configuration from; all of them count in its version."""
        files = GivenFiles({file.path: file.content for file in self.files})
        files.main = self.main
        for file in self.files:
            files.read(Path(file.path))
        return files


def pack(bundle: Bundle) -> bytes:
    """Return a bundle as bytes, compressed.

    Raises:
        ConfigError: they are too many.
    """
    packed = zlib.compress(msgspec.msgpack.encode(bundle), _LEVEL)
    if len(packed) > MOST_PACKED:
        raise ConfigError(
            [f"{len(packed)} compressed bytes are more than the {MOST_PACKED} that can be published"]
        )
    return packed


def unpack(packed: bytes) -> Bundle:
    """Return the bundle in what `pack` made.

    Raises:
        RecordError: it is damaged, or larger than a bundle can be.
    """
    expander = zlib.decompressobj()
    try:
        data = expander.decompress(packed, 2 * MOST_BYTES)
        if not expander.eof:
            raise RecordError("not a configuration: cut off, or too large")
        return msgspec.msgpack.decode(data, type=Bundle)
    except (zlib.error, msgspec.DecodeError, UnicodeDecodeError, RecursionError) as exc:
        raise RecordError(f"not a configuration: {exc}") from exc
