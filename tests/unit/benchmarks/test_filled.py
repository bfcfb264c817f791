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
    assert (waiting(tmp_path / "in"), waiting(tmp_path / "out")) == (5, 3)
    assert {path.name for path in spooled(tmp_path / "out")} < {
        path.name for path in spooled(tmp_path / "in")
    }


def test_a_spool_is_emptied(tmp_path, owned):
    filled.fill(tmp_path / "in", [b"x\n"] * 2, "edge1")
    empty(tmp_path / "in")
    assert waiting(tmp_path / "in") == 0


def test_a_spool_that_is_not_there_holds_nothing(tmp_path):
    assert waiting(tmp_path / "none") == 0
