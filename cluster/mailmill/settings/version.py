"""The version of a configuration: a short hash of everything that it was made of.

`a1b2c3d4e5f6` stands for the bytes and the paths of all files. A node whose environment overrides options, or
whose environment is used in values, has `a1b2c3d4e5f6+7a8b9c`: what follows stands for these overrides.

Overrides of options that count at start only are left out: they are what nodes of one cluster differ in. So
is $HOSTNAME.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from typing import Final

from mailmill.settings.conffile import ConfFile
from mailmill.settings.files import Files
from mailmill.settings.option import Effect
from mailmill.settings.options import TABLE
from mailmill.settings.sources import Place, Source

#: Hexadecimal digits for the files: two of a million versions are the same by chance with 1 in 500.
_FILES_DIGITS: Final = 12
#: Hexadecimal digits for the overrides, of which there are few.
_OVERRIDES_DIGITS: Final = 6


def version_of(files: Files, overrides: Mapping[str, str]) -> str:
    """Return the version of a configuration.

    Args:
        files: what it was read from.
        overrides: names and values of what the environment contributes.
    """
    digests = ((_bytes(name), digest) for name, digest in files.digests.items())
    version = _hash((*digests, (b"", _bytes(files.main))), _FILES_DIGITS)
    if not overrides:
        return version
    more = ((_bytes(name), _bytes(value)) for name, value in overrides.items())
    return f"{version}+{_hash(more, _OVERRIDES_DIGITS)}"


def files_version(version: str) -> str:
    """Return the part of a version that stands for the files."""
    return version.partition("+")[0]


def overrides_of(sources: Mapping[str, Source], texts: Mapping[str, str], conf: ConfFile) -> dict[str, str]:
    """Return what the environment contributes to a configuration: variables, with what they are.

    Args:
        sources: where the value of each option comes from, by option key.
        texts: the values, by option key.
        conf: the files, with the variables that they use.
    """
    found = {f"%{name}%": value for name, value in conf.fixed.items()}
    found |= conf.environ_used
    for key, source in sources.items():
        if source.place is Place.ENVIRONMENT and TABLE[key].effect is Effect.NEXT_BATCH:
            found[source.where] = texts[key]
    return found


def _hash(pairs: Iterable[tuple[bytes, bytes]], digits: int) -> str:
    total = hashlib.blake2b(digest_size=digits // 2)
    for name, content in sorted(pairs):
        total.update(len(name).to_bytes(4) + name + len(content).to_bytes(4) + content)
    return total.hexdigest()


def _bytes(text: str) -> bytes:
    return text.encode(errors="surrogateescape")
