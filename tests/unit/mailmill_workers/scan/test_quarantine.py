import os
import stat
from pathlib import Path

import pytest

from mailmill_workers.scan.judgement import Folder
from mailmill_workers.scan.quarantine import Quarantine, QuarantinedEnvelope, QuarantineError


def record(mail):
    header = mail.header
    return QuarantinedEnvelope(
        header.id, header.edge, header.arrival, header.queue_id, header.envelope, "infected", ("clamd: V",)
    )


def test_files_and_directories_get_the_mode_of_the_option(tmp_path, make_mail):
    mail = make_mail()
    path = Quarantine(tmp_path / "q", 0o640).store(mail, Folder.INFECTIONS, record(mail))
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o750
    assert stat.S_IMODE(path.parent.parent.stat().st_mode) == 0o750


def test_storing_again_replaces(tmp_path, make_mail):
    mail = make_mail()
    quarantine = Quarantine(tmp_path / "q", 0o600)
    first = quarantine.store(mail, Folder.SPAM, record(mail))
    assert quarantine.store(mail, Folder.SPAM, record(mail)) == first
    assert sorted(path.name for path in first.parent.iterdir()) == [
        mail.header.id,
        f"{mail.header.id}.envelope",
    ]


def test_the_message_is_on_disk_before_store_returns(tmp_path, make_mail, monkeypatch):
    synced = []
    fsync = os.fsync
    monkeypatch.setattr(
        os, "fsync", lambda fd: (synced.append(str(Path(f"/proc/self/fd/{fd}").readlink())), fsync(fd))[1]
    )
    mail = make_mail()
    path = Quarantine(tmp_path / "q", 0o600).store(mail, Folder.INFECTIONS, record(mail))
    assert any(".message." in name for name in synced)
    assert synced[-1] == str(path.parent)
    # The directory of the day as well, although another process may have made it.
    synced.clear()
    Quarantine(tmp_path / "q", 0o600).store(mail, Folder.INFECTIONS, record(mail))
    assert str(path.parents[2]) in synced


def test_a_disk_that_refuses_leaves_no_half_message(tmp_path, make_mail, monkeypatch):
    def refuse(fd):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", refuse)
    mail = make_mail()
    with pytest.raises(QuarantineError, match="No space left"):
        Quarantine(tmp_path / "q", 0o600).store(mail, Folder.SPAM, record(mail))
    assert [path for path in (tmp_path / "q").rglob("*") if path.is_file()] == []


def test_an_unknown_group_is_told(tmp_path, make_mail):
    mail = make_mail()
    with pytest.raises(QuarantineError, match="no-such-group"):
        Quarantine(tmp_path / "q", 0o600, "no-such-group").store(mail, Folder.SPAM, record(mail))
