from __future__ import annotations

import pytest

from mailmill.configuration.localcopy import Copy, LocalCopy
from mailmill.configuration.publication import Publication
from mailmill.errors import RecordError


def copy(number: int, packed: bytes = b"x") -> Copy:
    return Copy(Publication(number, "v", "me", 1, 1), packed)


def test_a_copy_is_replaced_by_newer_ones_only(tmp_path):
    local = LocalCopy(tmp_path)
    assert local.read() is None
    assert local.stamp() is None
    for number, there in ((2, 2), (1, 2), (3, 3)):
        local.write(copy(number))
        assert local.read() == copy(there)


def test_a_copy_is_for_its_owner_only_and_leaves_nothing_else(tmp_path):
    local = LocalCopy(tmp_path)
    local.write(copy(1))
    before = local.stamp()
    local.write(copy(2))
    assert local.stamp() != before
    assert local.path.stat().st_mode & 0o777 == 0o600
    assert list(tmp_path.iterdir()) == [local.path]


def test_a_damaged_copy_is_told_and_replaced(tmp_path):
    local = LocalCopy(tmp_path)
    local.path.write_bytes(b"\x81")
    with pytest.raises(RecordError, match="not a copy"):
        local.read()
    local.write(copy(1))
    assert local.read() == copy(1)


def test_a_copy_that_cannot_be_written_leaves_nothing_behind(tmp_path, monkeypatch):
    def full(_fd):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="No space"):
        LocalCopy(tmp_path).write(copy(1))
    assert list(tmp_path.iterdir()) == []
