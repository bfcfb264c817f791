"""A table of figures: gathered run by run, printed, and kept as JSON."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct

from benchmarks.goals import Goal
from benchmarks.spread import Spread

#: From here on a figure is printed without decimals.
_WHOLE: Final = 100
#: The column of `Costs.others`.
OTHERS: Final = "cores of others"
#: How the names of columns end that hold processor time per message by stage.
CPU: Final = " cpu ms"


class Table(Struct):
    """Rows by label, columns by name with their unit, and in each cell a value for each run."""

    name: str
    title: str
    rows: dict[str, dict[str, Spread]] = {}
    goals: list[Goal] = []
    notes: list[str] = []

    def add(self, row: str, column: str, value: float) -> None:
        """Add the value of one run."""
        cells = self.rows.setdefault(row, {})
        before = cells.get(column, Spread(()))
        cells[column] = Spread((*before.values, value))

    def median(self, row: str, column: str) -> float | None:
        """Return the median of a cell, or None when it was not measured."""
        cell = self.rows.get(row, {}).get(column)
        return None if cell is None else cell.median

    def ratios(self, row: str, over: str, column: str) -> list[float]:
        """Return one row's values divided by another's, run by run."""
        values = (self.rows.get(each, {}).get(column, Spread(())).values for each in (row, over))
        return [one / other for one, other in zip(*values, strict=False)]

    @property
    def columns(self) -> list[str]:
        """The names of all columns, in the order of their first appearance."""
        return list(dict.fromkeys(column for cells in self.rows.values() for column in cells))

    def save(self, directory: Path) -> Path:
        """Write `NAME.json` and return its path."""
        directory.mkdir(parents=True, exist_ok=True)
        path = directory / f"{self.name}.json"
        path.write_bytes(msgspec.json.format(msgspec.json.encode(self), indent=1) + b"\n")
        return path


def load(path: Path) -> Table:
    """Read what `Table.save` wrote."""
    return msgspec.json.decode(path.read_bytes(), type=Table)


def render(table: Table) -> str:
    """Return a table as text: medians, with the lowest and the highest in brackets where they differ."""
    columns = table.columns
    lines = [["", *columns]]
    for label, cells in table.rows.items():
        lines.append([label, *(_cell(cells[column]) if column in cells else "" for column in columns)])
    widths = [max(len(line[number]) for line in lines) for number in range(len(columns) + 1)]
    text = ["  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) for line in lines]
    return "\n".join([table.title, *(line.rstrip() for line in text), *table.notes, *map(str, table.goals)])


def _cell(spread: Spread) -> str:
    if spread.low == spread.high:
        return number(spread.median)
    return f"{number(spread.median)} ({number(spread.low)}-{number(spread.high)})"


def number(value: float) -> str:
    """Return a figure with about three digits."""
    if abs(value) >= _WHOLE:
        return f"{value:,.0f}"
    return f"{value:.3g}"
