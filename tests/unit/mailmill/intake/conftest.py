from __future__ import annotations

from pathlib import Path

import pytest

from mailmill.intake.directories import ALL, Directories


class Below:
    """A queue directory with an intake, and what is in it."""

    def __init__(self, root: Path):
        self.root = root
        for name in ALL:
            (root / name).mkdir()
        self.directories = Directories(root)

    def segments(self) -> list[Path]:
        return sorted(self.directories.log.iterdir())

    def files(self) -> list[str]:
        found = [path for path in self.directories.top.rglob("*") if path.is_file()]
        return sorted(str(path.relative_to(self.directories.top)) for path in found)


@pytest.fixture
def below(tmp_path):
    return Below(tmp_path)


@pytest.fixture
def names():
    return [f"01J0000000{number:08d}-4X{number}" for number in range(20)]


@pytest.fixture
def open_files():
    return lambda: len(list(Path("/proc/self/fd").iterdir()))
