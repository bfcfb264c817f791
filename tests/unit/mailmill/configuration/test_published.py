from __future__ import annotations

import pytest
import redis

from configuration_fakes import memory_store, write_site
from mailmill.configuration.localcopy import Copy, LocalCopy
from mailmill.configuration.published import First, Node
from mailmill.configuration.publishing import candidate
from mailmill.errors import ConfigError
from mailmill.settings import MailFacts, Settings
from mailmill.settings.options.delivery import BOUNCE_FROM
from mailmill.settings.options.policy import IS_DEFINITELY_SPAM
from mailmill.settings.options.system import EDGE_NAME, RUN_AS_USER


@pytest.fixture
def cluster(tmp_path):
    return Cluster(tmp_path)


class Cluster:
    """A Redis, a site and nodes."""

    def __init__(self, directory):
        self.store, self.redis = memory_store()
        self.site = directory / "site"
        self.copies = directory / "copies"
        self.copies.mkdir()

    def publish(self, value="one"):
        found = candidate(write_site(self.site, value), {})
        return self.store.publish(found.version, "me", found.files, found.size, found.packed)

    def first(self, name="a", **own):
        directory = self.copies / name
        directory.mkdir(exist_ok=True)
        values = {option.replace("_", " "): value for option, value in own.items()}
        return First(self.store, LocalCopy(directory), Node(Settings.of(values), {}))

    def node(self, name="a"):
        source, settings = self.first(name).begin(wait=True)
        source.accept()
        return source, settings


def take(source):
    settings = source.newer()
    if settings:
        source.accept()
    return settings


def test_a_node_has_what_was_published_whatever_its_own_disk_has(cluster):
    publication = cluster.publish()
    for path in sorted(cluster.site.rglob("*"), reverse=True):
        path.unlink() if path.is_file() else path.rmdir()
    _, settings = cluster.node()
    assert settings.version == publication.version
    assert settings[BOUNCE_FROM] == "one"
    assert settings.rule(IS_DEFINITELY_SPAM).first(MailFacts("x@a.example", "b@c", ""))
    assert len(settings.attachment_rules((cluster.site / "names",))) == 1


def test_all_processes_of_a_node_take_a_new_publication_up(cluster):
    cluster.publish("one")
    source, _ = cluster.node()
    child = source.in_child()
    assert child.newer() is None
    cluster.publish("two")
    assert child.newer() is None
    assert take(source)[BOUNCE_FROM] == "two"
    assert take(child)[BOUNCE_FROM] == "two"
    assert take(source) is None
    assert take(child) is None
    assert source.in_child().newer() is None


def test_what_cannot_be_used_here_is_refused_once_and_no_copy_is_kept(cluster):
    first = cluster.publish("one")
    source, _ = cluster.node()
    cluster.store.publish("0123456789ab", "me", 1, 1, b"damaged")
    with pytest.raises(ConfigError, match="0123456789ab"):
        source.newer()
    assert source.newer() is None
    assert LocalCopy(cluster.copies / "a").read().publication == first
    cluster.publish("three")
    assert take(source)[BOUNCE_FROM] == "three"


def test_files_that_are_not_those_of_the_version_are_refused(cluster):
    publication = cluster.publish("one")
    source, _ = cluster.node()
    cluster.store.publish("0123456789ab", "me", 1, 1, cluster.store.packed(publication.version))
    with pytest.raises(ConfigError, match=f"are those of {publication.version}"):
        source.newer()


def test_a_redis_that_has_lost_everything_gets_the_newest_back(cluster):
    cluster.publish("one")
    late, _ = cluster.node("late")
    cluster.publish("two")
    source, _ = cluster.node("a")
    cluster.redis.flushall()
    # The node that has not heard of the second is the first to see it.
    assert late.newer() is None
    assert cluster.store.current().version != source._mine.publication.version
    assert take(source) is None
    assert take(late)[BOUNCE_FROM] == "two"
    assert cluster.store.current() == source._mine.publication


def test_what_is_published_after_a_loss_counts_and_nobody_puts_the_old_back(cluster):
    cluster.publish("one")
    source, _ = cluster.node()
    cluster.redis.flushall()
    cluster.redis.now += 1
    new = cluster.publish("two")
    assert take(source)[BOUNCE_FROM] == "two"
    assert cluster.store.current() == new


def test_a_copy_that_cannot_be_written_keeps_the_old_in_force_until_it_can(cluster, monkeypatch):
    cluster.publish("one")
    source, _ = cluster.node()
    cluster.publish("two")

    def full(self, copy):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(LocalCopy, "write", full)
        for _ in range(2):
            assert source.newer() is not None
            with pytest.raises(OSError, match="No space"):
                source.accept()
    assert take(source)[BOUNCE_FROM] == "two"


def test_a_node_starts_with_its_copy_when_redis_is_away_or_has_something_older_or_unusable(
    cluster, monkeypatch
):
    cluster.publish("one")
    old = cluster.store.current()
    cluster.publish("two")
    cluster.node()

    def away(_):
        raise redis.ConnectionError("away")

    with monkeypatch.context() as patch:
        patch.setattr(cluster.redis, "get", away)
        assert cluster.node()[1][BOUNCE_FROM] == "two"
    packed = cluster.store.packed(old.version)
    cluster.redis.flushall()
    cluster.store.restore(old, packed)
    assert cluster.node()[1][BOUNCE_FROM] == "two"
    cluster.redis.now += 1
    cluster.store.publish("0123456789ab", "me", 1, 1, b"damaged")
    assert cluster.node()[1][BOUNCE_FROM] == "two"


def test_a_node_that_finds_nothing_waits_if_it_may_or_says_so(cluster):
    with pytest.raises(ConfigError, match="nothing was published yet"):
        cluster.first().begin(wait=False)
    waits = []

    def sleep(seconds):
        waits.append(seconds)
        if len(waits) == 3:
            cluster.publish("one")

    assert cluster.first().begin(wait=True, sleep=sleep)[1][BOUNCE_FROM] == "one"
    assert len(waits) == 3


def test_what_belongs_to_a_node_is_its_own(cluster):
    conf = write_site(cluster.site)
    with conf.open("a") as file:
        file.write("Edge Name = published\nRun As User = mail\n")
    found = candidate(conf, {})
    assert [warning for warning in found.warnings if "Edge Name" in warning] == [
        f"{conf}:5: Edge Name is not published: each node has its own"
    ]
    cluster.store.publish(found.version, "me", 1, 1, found.packed)
    own = cluster.site / "own.conf"
    own.write_text("Edge Name = mx1\nBounce From = own\n")
    node = Node(Settings.load(own, {}), {})
    settings = node.read(Copy(cluster.store.current(), found.packed))
    assert (settings[EDGE_NAME], settings[RUN_AS_USER], settings[BOUNCE_FROM]) == ("mx1", "mail", "one")
    assert any("does not count for Bounce From" in warning for warning in settings.warnings)
    own.write_text("Run As User = postfix\n")
    settings = Node(Settings.load(own, {}), {}).read(Copy(cluster.store.current(), found.packed))
    assert (settings[EDGE_NAME], settings[RUN_AS_USER]) == ("", "postfix")


def test_the_environment_of_a_node_beats_what_is_published_and_shows_in_the_version(cluster):
    publication = cluster.publish("one")
    node = Node(Settings.of(), {"MAILMILL_BOUNCE_FROM": "mine"})
    settings = node.read(Copy(publication, cluster.store.packed(publication.version)))
    assert settings[BOUNCE_FROM] == "mine"
    assert settings.version.startswith(f"{publication.version}+")
