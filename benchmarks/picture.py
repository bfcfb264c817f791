"""A small picture of a table: the first figure of each row, and where its processor time went."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from benchmarks.table import CPU, Table

if TYPE_CHECKING:
    from collections.abc import Sequence

#: Inches: the width of a picture, the height of a row, and what the axes take.
_WIDTH, _ROW, _EDGES = 9.0, 0.34, 1.4
#: So that a picture of the same figures is the same file.
_SALT: Final = "mailmill"


class NoPictureError(Exception):
    """Matplotlib, of the extra `bench`, is not installed."""


def draw(table: Table, directory: Path) -> Path:
    """Write `NAME.svg` and return its path.

    Raises:
        NoPictureError: there is nothing to draw with.
    """
    try:
        import matplotlib as mpl  # noqa: PLC0415 - only pictures need it, and tables are there without
        from matplotlib.figure import Figure  # noqa: PLC0415 - as above
    except ImportError as error:
        raise NoPictureError("no picture: pip install 'mailmill[bench]'") from error
    mpl.rcParams.update({"svg.fonttype": "none", "svg.hashsalt": _SALT, "font.size": 8})
    main = table.columns[0]
    rows = [row for row in table.rows if main in table.rows[row]]
    stages = [column for column in table.columns if column.endswith(CPU)]
    figure = Figure(figsize=(_WIDTH, _EDGES + _ROW * len(rows)), layout="constrained")
    figure.suptitle(table.title)
    first, *second = figure.subplots(1, 2 if stages else 1, sharey=True, squeeze=False)[0]
    _bars(first, table, rows, main)
    for axes in second:
        _stack(axes, table, rows, stages)
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / f"{table.name}.svg"
    figure.savefig(path, metadata={"Date": None})
    return path


def _bars(axes: Any, table: Table, rows: Sequence[str], column: str) -> None:
    """Draw medians as bars, from the lowest to the highest as whiskers."""
    spreads = [table.rows[row][column] for row in rows]
    whiskers = [
        [spread.median - spread.low for spread in spreads],
        [spread.high - spread.median for spread in spreads],
    ]
    axes.barh(rows, [spread.median for spread in spreads], xerr=whiskers, color="#4477aa", capsize=2)
    axes.invert_yaxis()
    axes.set_xlabel(column)


def _stack(axes: Any, table: Table, rows: Sequence[str], stages: Sequence[str]) -> None:
    """Draw the processor time per message by stage."""
    left = [0.0] * len(rows)
    for stage in stages:
        widths = [table.median(row, stage) or 0.0 for row in rows]
        axes.barh(rows, widths, left=left, label=stage.removesuffix(CPU))
        left = [before + width for before, width in zip(left, widths, strict=True)]
    axes.set_xlabel("ms of processor per message")
    axes.legend(fontsize=7)
