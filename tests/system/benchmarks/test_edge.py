import os
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.table import load

CHECKOUT = Path(__file__).parents[3]

pytestmark = pytest.mark.system


def test_the_table_edge_counts_every_message_in_every_row(require, tmp_path):
    require("postfix", root=True)
    command = ["edge", "--quick", "--count=60", "--synthetic=1000", f"--results={tmp_path}"]
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks", *command],
        cwd=CHECKOUT,
        env={**os.environ, "PYTHONPATH": "deploy"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    # 1: a goal was not reached, which is no fault of the benchmark.
    assert done.returncode in {0, 1}, done.stderr
    table = load(tmp_path / "edge.json")
    kinds = ("postfix", "bare", "disk", "unix", "inet")
    assert set(table.rows) == {f"{kind} {each}" for kind in kinds for each in (1, 10, 50, "half load")}
    for row, cells in table.rows.items():
        assert all(len(spread.values) == 1 for spread in cells.values()), row
        assert cells["msg/s"].median > 0
    assert table.rows["unix 10"]["milter cpu ms"].median > 0
    assert len(table.goals) == 8
    assert "goal 1: edge over unix" in done.stdout
