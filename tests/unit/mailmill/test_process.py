from __future__ import annotations

import grp
import os
import pwd
import stat

import pytest

from mailmill import process
from mailmill.errors import ConfigError
from mailmill.process import (
    Identity,
    drop_privileges,
    prepare_directory,
    prepare_queue_directories,
    write_pid_file,
)
from mailmill.settings import Settings
from mailmill.settings.options.delivery import DELIVERY_JOURNAL_DIR
from mailmill.spool import State


@pytest.fixture
def settings(tmp_path):
    def make(**options: str) -> Settings:
        paths = {"Incoming Queue Dir": f"{tmp_path}/in", "Outgoing Queue Dir": f"{tmp_path}/out"}
        return Settings.of(paths | {name.replace("_", " "): value for name, value in options.items()})

    return make


def test_missing_queue_directories_are_created_with_the_mode(settings, tmp_path):
    prepare_queue_directories(settings(Queue_Dir_Permissions="0750"))
    for queue in ("in", "out"):
        for path in (tmp_path / queue, *(tmp_path / queue / state for state in State)):
            assert stat.S_IMODE(path.stat().st_mode) == 0o750


def test_existing_queue_directories_are_left_as_they_are(settings, tmp_path):
    prepare_queue_directories(settings())
    (tmp_path / "in").chmod(0o755)
    prepare_queue_directories(settings())
    assert stat.S_IMODE((tmp_path / "in").stat().st_mode) == 0o755


def test_a_file_in_the_place_of_a_directory_names_option_and_path(settings, tmp_path):
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "active").touch()
    with pytest.raises(ConfigError) as raised:
        prepare_queue_directories(settings())
    assert raised.value.problems == [f"values: Incoming Queue Dir: {tmp_path}/in/active: Not a directory"]


def test_a_directory_that_cannot_be_made_names_its_option(settings, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(ConfigError, match=r"^values: Delivery Journal Dir: .*/file/journal: Not a directory"):
        prepare_directory(
            tmp_path / "file" / "journal",
            0o700,
            settings(Delivery_Journal_Dir=f"{tmp_path}/file/journal"),
            DELIVERY_JOURNAL_DIR,
        )


def test_a_directory_of_somebody_else_is_refused(settings, tmp_path, monkeypatch):
    prepare_queue_directories(settings())
    other = Identity("mail", os.geteuid() + 1, os.getegid())
    monkeypatch.setattr(Identity, "wanted", classmethod(lambda _cls, _settings: other))
    with pytest.raises(ConfigError) as raised:
        prepare_queue_directories(settings())
    assert len(raised.value.problems) == 2
    assert raised.value.problems[0].startswith(f"values: Incoming Queue Dir: {tmp_path}/in belongs to uid")


def test_a_directory_that_its_owner_cannot_use_is_refused(settings, tmp_path):
    prepare_queue_directories(settings())
    (tmp_path / "out" / "active").chmod(0o500)
    with pytest.raises(ConfigError, match=r"Outgoing Queue Dir: .*/out/active has mode 0500"):
        prepare_queue_directories(settings())


def test_states_on_different_file_systems_are_refused(settings, tmp_path, monkeypatch):
    real = process._prepare_directory

    def elsewhere(path, mode, identity):
        found = list(real(path, mode, identity))
        if path.name == "active":
            found[stat.ST_DEV] += 1
        return os.stat_result(found)

    monkeypatch.setattr(process, "_prepare_directory", elsewhere)
    with pytest.raises(ConfigError, match="active is on another file system"):
        prepare_queue_directories(settings())


def test_unknown_users_and_groups_are_named_together(settings):
    with pytest.raises(ConfigError) as raised:
        Identity.wanted(settings(Run_As_User="no-such-user", Run_As_Group="no-such-group"))
    assert raised.value.problems == [
        "values: Run As User: there is no user no-such-user",
        "values: Run As Group: there is no group no-such-group",
    ]


def test_the_group_is_the_primary_one_of_the_user_unless_named(settings):
    entry = pwd.getpwuid(0)
    assert Identity.wanted(settings(Run_As_User=entry.pw_name)).gid == entry.pw_gid
    group = grp.getgrall()[1]
    named = settings(Run_As_User=entry.pw_name, Run_As_Group=group.gr_name)
    assert Identity.wanted(named).gid == group.gr_gid


def test_groups_are_dropped_before_the_user(settings, monkeypatch):
    done = []
    other = Identity("mail", os.geteuid() + 1, os.getegid() + 1)
    monkeypatch.setattr(Identity, "wanted", classmethod(lambda _cls, _settings: other))
    for name in ("initgroups", "setgroups", "setresgid", "setresuid"):
        monkeypatch.setattr(os, name, lambda *args, name=name: done.append((name, *args)))
    drop_privileges(settings())
    assert done == [
        ("initgroups", "mail", other.gid),
        ("setresgid", other.gid, other.gid, other.gid),
        ("setresuid", other.uid, other.uid, other.uid),
    ]


def test_dropping_nothing_does_nothing(settings, monkeypatch):
    monkeypatch.setattr(os, "setresuid", lambda *_: pytest.fail("changed its user"))
    drop_privileges(settings())


def test_a_pid_file_is_replaced_as_a_whole(tmp_path):
    path = tmp_path / "pid"
    path.write_text("99999999999\n")
    write_pid_file(path)
    assert path.read_text() == f"{os.getpid()}\n"
    assert list(tmp_path.iterdir()) == [path]
