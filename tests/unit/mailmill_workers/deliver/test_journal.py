from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from delivery_fakes import EDGE, MAIL_ID, make_delivery
from mailmill_workers.deliver.journal import (
    SEGMENT_BYTES,
    SEGMENT_SECONDS,
    Began,
    Confirmed,
    DeliveryJournal,
    confirmation,
)
from mailmill_workers.deliver.parts import part_of

ONE = make_delivery("a@example.org")
TWO = make_delivery("a@example.org", "b@example.org")


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def journal(tmp_path: Path, clock: Clock) -> DeliveryJournal:
    return DeliveryJournal(tmp_path, "deliver@host.1.aa", clock)


def die(journal: DeliveryJournal) -> None:
    """The process ends: the system closes its files, and so lets go of its locks."""
    for segment in journal.segments():
        os.close(segment.fd)


def survivor(tmp_path: Path) -> DeliveryJournal:
    return DeliveryJournal(tmp_path, "deliver@host.2.bb")


def test_what_was_confirmed_and_what_was_under_way_outlives_the_process(
    journal: DeliveryJournal, tmp_path: Path
):
    journal.began(ONE)
    journal.confirmed(confirmation(ONE, ONE, "ok"))
    journal.began(TWO)
    die(journal)
    (segment,) = survivor(tmp_path).adopt()
    assert segment.owner == "deliver@host.1.aa"
    assert segment.confirmed == [Confirmed(EDGE, MAIL_ID, ONE.id, ("0",), True, "ok")]  # noqa: FBT003 - a record
    assert segment.running == {TWO.id: Began(EDGE, MAIL_ID, TWO.id)}


def test_a_confirmation_of_some_recipients_is_not_one_of_the_delivery(
    journal: DeliveryJournal, tmp_path: Path
):
    journal.began(TWO)
    journal.confirmed(confirmation(TWO, part_of(TWO, [1]), "ok"))
    die(journal)
    ((confirmed,),) = (segment.confirmed for segment in survivor(tmp_path).adopt())
    assert (confirmed.covers, confirmed.whole) == (("1",), False)


def test_what_ended_without_a_confirmation_is_not_under_way(journal: DeliveryJournal, tmp_path: Path):
    journal.began(ONE)
    journal.ended(ONE)
    die(journal)
    (segment,) = survivor(tmp_path).adopt()
    assert not segment.running
    assert not segment.confirmed


def test_the_files_of_living_processes_are_left_to_them(journal: DeliveryJournal, tmp_path: Path):
    journal.began(ONE)
    other = survivor(tmp_path)
    other.began(TWO)
    assert other.adopt() == []
    assert journal.adopt() == []


def test_one_survivor_adopts_a_file_and_the_others_do_not(journal: DeliveryJournal, tmp_path: Path):
    journal.began(ONE)
    die(journal)
    first, second = survivor(tmp_path), DeliveryJournal(tmp_path, "deliver@host.3.cc")
    assert len(first.adopt()) == 1
    assert second.adopt() == []
    assert first.adopt() == []


def test_an_adopted_file_is_kept_until_it_is_removed(journal: DeliveryJournal, tmp_path: Path):
    journal.began(ONE)
    die(journal)
    other = survivor(tmp_path)
    (segment,) = other.adopt()
    assert other.segments() == [segment]
    other.remove(segment)
    assert other.segments() == []
    assert list(tmp_path.iterdir()) == []


@given(st.binary(max_size=80), st.integers(min_value=0, max_value=400))
def test_torn_and_foreign_bytes_take_no_whole_record_along(
    tmp_path_factory: pytest.TempPathFactory, rubbish: bytes, cut: int
):
    directory = tmp_path_factory.mktemp("journal")
    journal = DeliveryJournal(directory, "deliver@host.1.aa")
    journal.confirmed(confirmation(ONE, ONE, "ok"))
    (segment,) = journal.segments()
    whole = segment.path.read_bytes()
    os.write(segment.fd, (whole + rubbish)[: len(whole) + cut][len(whole) :].replace(b"{", b""))
    journal.confirmed(confirmation(TWO, TWO, "ok"))
    die(journal)
    (found,) = survivor(directory).adopt()
    assert [one.delivery_id for one in found.confirmed] == [ONE.id, TWO.id]


def test_a_new_file_is_begun_when_the_old_one_is_old_or_large_and_no_batch_runs(
    journal: DeliveryJournal, clock: Clock
):
    with journal.batch():
        journal.began(ONE)
        clock.now += SEGMENT_SECONDS
        journal.close_if_due()
        assert journal.closed() == []
        journal.confirmed(confirmation(ONE, ONE, "ok"))
    assert len(journal.closed()) == 1
    with journal.batch():
        journal.confirmed(confirmation(TWO, TWO, "x" * SEGMENT_BYTES))
    assert len(journal.closed()) == 2
    with journal.batch():
        journal.began(ONE)
    assert len(journal.segments()) == 3


def test_confirmations_that_come_together_share_one_sync(
    journal: DeliveryJournal, monkeypatch: pytest.MonkeyPatch
):
    syncs = []
    monkeypatch.setattr(os, "fdatasync", syncs.append)
    for one in (ONE, TWO):
        journal.confirmed(confirmation(one, one, "ok"))
    assert not syncs
    journal.sync()
    assert len(journal.segments()[0].confirmed) == 2
    assert len(syncs) == 1


def failing(number: int) -> Callable[..., int]:
    def fail(*_: object, **__: object) -> int:
        raise OSError(number, os.strerror(number))

    return fail


@pytest.mark.parametrize("call", ["write", "fdatasync", "open"])
def test_a_disk_that_refuses_is_told_in_the_log_and_stops_nothing(
    journal: DeliveryJournal, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, call: str
):
    with monkeypatch.context() as patch:
        patch.setattr(os, call, failing(28))
        journal.confirmed(confirmation(ONE, ONE, "ok"))
        journal.sync()
    assert "No space left on device" in caplog.text


def test_a_directory_that_is_missing_leaves_nothing_to_adopt(tmp_path: Path):
    assert DeliveryJournal(tmp_path / "missing", "x").adopt() == []
