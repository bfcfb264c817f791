"""How the commands write times, sizes and foreign text on a terminal."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import click
import msgspec

_UNITS = ((86_400, "d", 3_600, "h"), (3_600, "h", 60, "m"), (60, "m", 1, "s"))


def age(seconds: float) -> str:
    """Return a length of time in its two largest units: `3d4h`, `5m12s`, `0.250s`."""
    for size, unit, smaller_size, smaller_unit in _UNITS:
        if seconds >= size:
            return f"{int(seconds // size)}{unit}{int(seconds % size // smaller_size)}{smaller_unit}"
    return f"{seconds:.3f}s" if seconds < 1 else f"{seconds:.1f}s"


def local_time(seconds: float) -> str:
    """Return a time (seconds since the epoch) in the local zone: `2026-11-22 17:44:24`."""
    return datetime.fromtimestamp(seconds, UTC).astimezone().strftime("%Y-%m-%d %H:%M:%S")


def clock_time(seconds: float) -> str:
    """Return a time in the local zone with milliseconds: `2026-11-22 17:44:24.123`."""
    moment = datetime.fromtimestamp(seconds, UTC).astimezone()
    return moment.replace(tzinfo=None).isoformat(sep=" ", timespec="milliseconds")


def printable(text: str) -> str:
    r"""Return text of strangers without anything that a terminal obeys: control characters become `\x1b`."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def echo_json(record: Any) -> None:
    """Print a record, or a tree of them, as indented JSON in ASCII."""
    click.echo(json.dumps(msgspec.to_builtins(record), indent=2))


def echo_table(rows: Sequence[tuple[str, ...]], right: frozenset[int] = frozenset()) -> None:
    """Print rows in columns as wide as needed; the columns in `right` are aligned to the right."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        cells = (
            cell.rjust(width) if column in right else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        click.echo("  ".join(cells).rstrip())
