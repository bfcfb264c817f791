import os

import pytest

from benchmarks import filled
from benchmarks.sites import empty, spooled, waiting
from mailmill.spool import Spool, State


@pytest.fixture
def owned(monkeypatch):
    """Without root nothing can be given away."""
    monkeypatch.setattr(os, "chown", lambda *_: None)
    monkeypatch.setattr(filled, "USER", "root")


def test_a_filled_spool_holds_what_the_milter_would_have_written(tmp_path, owned):
    filled.fill(tmp_path / "in", [b"one\n", b"two\n"], "edge7", first=5)
    spool = Spool(tmp_path / "in")
    files = [spool.read(name, State.ACTIVE) for name in spool.names(State.ACTIVE)]
    assert {file.content: file.header.envelope.recipients[0].address for file in files} == {
        b"one\n": "m000005@example.com",
        b"two\n": "m000006@example.com",
    }
    assert {file.header.edge for file in files} == {"edge7"}


def test_a_part_of_a_filled_spool_is_taken_and_the_whole_stays(tmp_path, owned):
    filled.fill(tmp_path / "in", [b"x\n"] * 5, "edge1")
    (tmp_path / "out").mkdir()
    filled.take(tmp_path / "in", tmp_path / "out", 3)
    whole, part = Spool(tmp_path / "in"), Spool(tmp_path / "out")
    assert (waiting(whole), waiting(part)) == (5, 3)
    assert spooled(part) == spooled(whole)[:3]


def test_a_part_is_moved_to_where_a_queue_manager_looks(tmp_path, owned):
    for name in ("in", "here"):
        filled.fill(tmp_path / name, [b"x\n"] * 5 if name == "in" else [], "edge1")
    filled.take(tmp_path / "in", tmp_path / "out", 3)
    wanted = spooled(Spool(tmp_path / "out"))
    filled.move(tmp_path / "out", tmp_path / "here")
    assert spooled(Spool(tmp_path / "here")) == wanted
    assert waiting(Spool(tmp_path / "out")) == 0


def test_a_spool_is_emptied(tmp_path, owned):
    filled.fill(tmp_path / "in", [b"x\n"] * 2, "edge1")
    empty(Spool(tmp_path / "in"))
    assert waiting(Spool(tmp_path / "in")) == 0


def test_a_spool_that_is_not_there_holds_nothing(tmp_path):
    assert waiting(Spool(tmp_path / "none")) == 0
