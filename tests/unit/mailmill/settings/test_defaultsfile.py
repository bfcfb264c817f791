from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailmill.errors import ConfigError
from mailmill.settings import Settings, values
from mailmill.settings.defaultsfile import (
    named_conf_file,
    read_defaults,
    remarks_on_defaults,
    service_enabled,
)
from mailmill.settings.options.milter import MILTER_PORT


@pytest.fixture
def file(tmp_path):
    def write(text):
        path = tmp_path / "defaults"
        path.write_text(text)
        return path

    return write


def test_names_have_values_without_quotes_and_comments(file):
    text = "# c\na=1\n b='x y' # c\nexport c=\"z\";\nd=\nif [ $a = 1 ]\ne=1 cmd\na=2#x\n"
    assert read_defaults(file(text)) == {"a": "2", "b": "x y", "c": "z", "d": ""}


@pytest.mark.parametrize(
    "line", ["run_mailscanner=0", "run_mailscanner='0'", "run_mailscanner=no", "run_mailscanner="]
)
def test_a_host_that_is_switched_off_may_not_run(file, line):
    assert service_enabled(file(f"#run_mailscanner=1\n{line}\n")) is False


@pytest.mark.parametrize("line", ["run_mailscanner=1", 'run_mailscanner="1"', "q_days=0", ""])
def test_any_other_host_may_run(file, line):
    assert service_enabled(file(line)) is True


def test_a_host_without_the_file_may_run(tmp_path):
    assert service_enabled(tmp_path / "none") is True


def test_a_file_that_cannot_be_read_is_an_error(tmp_path):
    with pytest.raises(ConfigError, match="cannot be read: Is a directory"):
        service_enabled(tmp_path)


@given(st.binary())
def test_any_file_can_be_read(tmp_path_factory, data):
    path = tmp_path_factory.mktemp("defaults") / "file"
    path.write_bytes(data)
    assert all(name.isidentifier() for name in read_defaults(path))


def test_another_conf_file_may_be_named(file, tmp_path):
    assert named_conf_file(file("ms_conf=/srv/MailScanner.conf\n")) == Path("/srv/MailScanner.conf")
    assert named_conf_file(file("run_mailscanner=1\n")) is None
    assert named_conf_file(tmp_path / "none") is None


def test_the_conf_file_that_is_named_is_read_unless_another_is_chosen(file, tmp_path, monkeypatch):
    (tmp_path / "one.conf").write_text("%org-name% = acme\nMilter Port = 1\n")
    (tmp_path / "two.conf").write_text("%org-name% = acme\nMilter Port = 2\n")
    path = file(f"ms_conf={tmp_path}/one.conf\n")
    monkeypatch.setattr(values, "named_conf_file", lambda: named_conf_file(path))
    assert Settings.load(environ={})[MILTER_PORT] == 1
    assert Settings.load(environ={"MAILMILL_CONF": str(tmp_path / "two.conf")})[MILTER_PORT] == 2
    assert Settings.load(tmp_path / "two.conf", environ={})[MILTER_PORT] == 2


def test_what_mailscanner_ships_is_passed_over_but_for_the_service_and_the_quarantine(file):
    path = file("run_mailscanner=0\nq_days=30\nms_cron_sa=1\nramdisk_sync=0\nms_etc=/etc/MailScanner\n")
    service, quarantine = remarks_on_defaults(path)
    assert service == f"{path}: run_mailscanner is 0: the daemons refuse to start until it is 1"
    assert quarantine.startswith(f"{path}: q_days is not acted on: nothing removes files from the quarantine")


def test_what_somebody_chose_and_what_is_unknown_is_told(file, tmp_path):
    path = file("run_mailscaner=1\nramdisk_sync=1\nms_conf=/srv/x\n")
    unknown, chosen = remarks_on_defaults(path)
    assert unknown.endswith(
        "run_mailscaner is nothing that MailScanner knows (did you mean run_mailscanner?)"
    )
    assert chosen.startswith(f"{path}: ramdisk_sync is not acted on: there is no work directory")
    assert remarks_on_defaults(tmp_path / "none") == []
    assert "cannot be read" in remarks_on_defaults(tmp_path)[0]
