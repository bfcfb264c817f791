import sys

import pytest

from benchmarks.picture import NoPictureError, draw
from benchmarks.table import Table


def table():
    made = Table("edge", "Edge")
    for value in (1, 2, 4):
        made.add("unix 1", "msg/s", value)
        made.add("unix 1", "milter cpu ms", value)
    made.add("postfix 1", "msg/s", 3)
    return made


def test_a_picture_has_each_row_and_stage_and_is_the_same_each_time(tmp_path):
    pytest.importorskip("matplotlib", reason="of the extra bench")
    text = draw(table(), tmp_path / "results").read_text()
    assert all(f">{word}<" in text for word in ("unix 1", "postfix 1", "milter", "Edge"))
    assert draw(table(), tmp_path / "again").read_text() == text


def test_without_matplotlib_there_is_a_hint(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(NoPictureError, match="bench"):
        draw(table(), tmp_path)
