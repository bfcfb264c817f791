from __future__ import annotations

import pytest

from configuration_fakes import memory_store
from mailmill.configuration.store import KEPT
from mailmill.errors import RecordError
from mailmill.keys import CONFIGURATION, configuration_key


def test_what_was_published_last_is_in_force():
    store, _ = memory_store()
    assert store.current() is None
    first = store.publish("v1", "root@a", 2, 10, b"one")
    second = store.publish("v2", "root@a", 3, 20, b"two")
    assert store.current() == second
    assert store.last() == (second, first)
    assert (store.packed("v1"), store.packed("v2"), store.packed("v3")) == (b"one", b"two", None)


def test_numbers_grow_also_when_redis_s_clock_goes_back():
    store, client = memory_store()
    first = store.publish("v1", "", 0, 0, b"")
    client.now -= 1000
    second = store.publish("v2", "", 0, 0, b"")
    assert second.number == first.number + 1
    assert first.time == 1_800_000_000


def test_only_the_last_ones_are_kept_with_the_files_that_they_need():
    store, client = memory_store()
    store.publish("again", "", 0, 0, b"a")
    for number in range(KEPT):
        store.publish(f"v{number}", "", 0, 0, b"x")
    assert store.packed("again") is None
    store.publish("v1", "", 0, 0, b"x")
    last = store.last()
    assert [each.version for each in last] == ["v1", *(f"v{n}" for n in range(KEPT - 1, 0, -1))]
    assert set(client.strings) == {CONFIGURATION, *(configuration_key(each.version) for each in last)}


def test_what_redis_has_lost_is_put_back_unless_there_is_something_newer():
    store, client = memory_store()
    old = store.publish("v1", "", 0, 0, b"one")
    new = store.publish("v2", "", 0, 0, b"two")
    client.flushall()
    assert store.restore(old, b"one") == old
    assert store.restore(new, b"two") == new
    assert store.restore(old, b"one") == new
    assert store.current() == new
    assert store.last() == (new, old)


def test_something_else_under_its_name_is_told():
    store, client = memory_store()
    client.set(CONFIGURATION, b"?")
    with pytest.raises(RecordError):
        store.current()
