"""Installing plug-ins for a test: as metadata of a distribution on sys.path, which is what pip leaves."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

#: The package of docs/plugins.md.
EXAMPLE = Path(__file__).parents[1] / "docs" / "example-plugin"


def install(monkeypatch: Any, directory: Path, points: Mapping[str, Mapping[str, str]]) -> None:
    """Make entry points (group -> name -> target) known for the rest of a test."""
    metadata = directory / "some_plugins-1.0.dist-info"
    metadata.mkdir(parents=True)
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: some-plugins\nVersion: 1.0\n")
    lines = []
    for group, names in points.items():
        lines += [f"[{group}]", *(f"{name} = {target}" for name, target in names.items())]
    (metadata / "entry_points.txt").write_text("\n".join(lines) + "\n")
    monkeypatch.syspath_prepend(directory)


def install_example(monkeypatch: Any, directory: Path) -> None:
    """Make the example known: its own entry points, its own module."""
    project = tomllib.loads((EXAMPLE / "pyproject.toml").read_text())["project"]
    install(monkeypatch, directory, project["entry-points"])
    monkeypatch.syspath_prepend(EXAMPLE)
