from __future__ import annotations

from pathlib import Path

import pytest

from mailmill.configuration.source import FileSource
from mailmill.errors import ConfigError
from mailmill.settings.options.delivery import BOUNCE_FROM
from mailmill.settings.values import Settings


@pytest.fixture
def conf(tmp_path: Path) -> Path:
    path = tmp_path / "MailScanner.conf"
    path.write_text("%org-name% = a\nBounce From = one\n")
    return path


@pytest.fixture
def source(conf: Path) -> FileSource:
    source = FileSource(conf, {})
    source.load()
    return source


def test_nothing_is_newer_when_nothing_has_changed(source):
    assert source.newer() is None
    assert source.newer() is None


def test_a_change_is_taken_when_it_has_been_still_for_one_look(source, conf):
    conf.write_text("%org-name% = a\nBounce From = half\n")
    assert source.newer() is None
    conf.write_text("%org-name% = a\nBounce From = whole\n")
    assert source.newer() is None
    settings = source.newer()
    assert settings[BOUNCE_FROM] == "whole"
    assert source.newer() is None


def test_a_change_that_cannot_be_used_is_told_once_and_the_next_one_is_taken(source, conf):
    conf.write_text("Bounce From = x\nMilter Port = none\nMilter Prot = 1\n")
    assert source.newer() is None
    with pytest.raises(ConfigError) as caught:
        source.newer()
    assert len(caught.value.problems) == 2
    assert source.newer() is None
    conf.write_text("Bounce From = mended\n")
    assert source.newer() is None
    assert source.newer()[BOUNCE_FROM] == "mended"


def test_a_file_that_changes_while_it_is_read_is_not_taken(source, conf, monkeypatch):
    load = Settings.load

    def load_and_write(*arguments):
        settings = load(*arguments)
        conf.write_text("Bounce From = later\n")
        return settings

    conf.write_text("Bounce From = early\n")
    assert source.newer() is None
    monkeypatch.setattr(Settings, "load", load_and_write)
    assert source.newer() is None
    monkeypatch.undo()
    assert source.newer() is None
    assert source.newer()[BOUNCE_FROM] == "later"


def test_a_file_that_comes_into_being_is_a_change(tmp_path):
    text = tmp_path / "text"
    conf = tmp_path / "conf"
    conf.write_text(f"Stored Virus Message Report = {text}\n")
    source = FileSource(conf, {})
    before = source.load()
    assert any("not there" in warning for warning in before.warnings)
    text.write_text("It was a virus.\n")
    assert source.newer() is None
    assert not any("not there" in warning for warning in source.newer().warnings)
