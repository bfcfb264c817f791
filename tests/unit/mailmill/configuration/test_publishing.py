from __future__ import annotations

import pytest

from configuration_fakes import memory_store, write_site
from mailmill.configuration import publishing
from mailmill.configuration.publishing import candidate, go_back
from mailmill.errors import ConfigError
from mailmill.settings import Settings


@pytest.fixture
def site(tmp_path):
    return tmp_path / "site"


def test_everything_that_is_read_is_published(site):
    found = candidate(write_site(site), {})
    assert found.files == 5
    assert found.version == Settings.load(site / "MailScanner.conf", {}).version


def test_overrides_of_the_publishing_host_are_left_out(site):
    conf = write_site(site)
    names = site / "other"
    found = candidate(conf, {"MAILMILL_FILENAME_RULES": str(names), "MAILMILL_BOUNCE_FROM": "x"})
    assert found.version == candidate(conf, {}).version


def test_all_that_is_wrong_is_told_at_once(site):
    conf = write_site(site)
    (site / "conf.d" / "own.conf").write_text("Bounc From = x\nMilter Port = none\n")
    (site / "spam.rules").write_text("From: yes\n")
    (site / "names").write_text("refuse\tx\ty\tz\n")
    with pytest.raises(ConfigError) as caught:
        candidate(conf, {})
    assert len(caught.value.problems) == 4


def test_roles_that_are_installed_have_their_say(site, monkeypatch):
    class Point:
        @staticmethod
        def load():
            return refuse

    def refuse(settings):
        raise ConfigError(["no such server"])

    class NotInstalled:
        @staticmethod
        def load():
            raise ImportError("aiohttp")

    monkeypatch.setattr(publishing, "entry_points", lambda *, group: [NotInstalled, Point, Point])
    with pytest.raises(ConfigError) as caught:
        candidate(write_site(site), {})
    assert caught.value.problems == ["no such server"]


def test_one_can_go_back_to_a_version_or_to_the_one_before(site):
    store, _ = memory_store()
    for value in ("one", "two", "three"):
        found = candidate(write_site(site, value), {})
        store.publish(found.version, "me", found.files, found.size, found.packed)
    three, two, one = (each.version for each in store.last())
    assert go_back(store, "", "you", {}).version == two
    assert go_back(store, one, "you", {}).version == one
    assert [each.version for each in store.last()] == [one, two, three, two, one]
    assert store.current().who == "you"


def test_one_cannot_go_back_to_what_is_not_there_or_cannot_be_used(site):
    store, client = memory_store()
    with pytest.raises(ConfigError, match="no earlier version"):
        go_back(store, "", "me", {})
    store.publish("0123456789ab", "me", 1, 1, b"damaged")
    for version, words in (("ba9876543210", "no version"), ("0123456789ab", "not a configuration")):
        with pytest.raises(ConfigError, match=words):
            go_back(store, version, "me", {})
    assert client.sets
    client.strings.clear()
    with pytest.raises(ConfigError, match="lost the files"):
        go_back(store, "0123456789ab", "me", {})
