import pytest

from mailmill.outcomes import ScanFailed
from mailmill.scannotes import MARGIN, ScanNotes, abandoned, note_exit, noted
from redis_hashes import FakeHashes

EDGE = "edge1"
LIMIT = 300


class Clock:
    now = 1_800_000_000.0

    def __call__(self):
        return self.now


@pytest.fixture
def client():
    return FakeHashes()


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def notes(client, clock):
    return ScanNotes(client, "scan@w1", "scan@w1.1.aa", LIMIT, clock)


def test_a_batch_that_nobody_began_is_wanted_whole_in_one_round_trip(notes, client):
    begun = notes.begin(EDGE, "task1", ["a", "b"])
    assert (begun.wanted, begun.failed, dict(begun.suspects)) == (("a", "b"), (), {})
    assert not begun.alone
    assert set(noted(client, EDGE)) == {"a", "b"}
    assert client.round_trips == 1


def test_what_was_in_hand_when_the_process_died_is_suspect_and_what_was_handed_on_is_left_alone(
    notes, client
):
    notes.begin(EDGE, "task1", ["a", "b", "c"])
    notes.end(EDGE, ["b"])
    assert note_exit(client, EDGE, "task1", ["a", "b", "c"], "process died: signal 9") == 2
    begun = notes.begin(EDGE, "task1", ["a", "b", "c"])
    assert begun.wanted == ()
    assert [(f.mail_id, f.alone, f.attempts) for f in begun.failed] == [("a", False, 0), ("c", False, 0)]
    assert begun.failed[0].reason == "process died: signal 9, with 2 others in hand (scan@w1)"


def test_only_a_death_alone_counts_and_it_counts_across_workers(client, clock):
    attempts = []
    for number in range(3):
        worker = ScanNotes(client, f"scan@w{number}", f"w{number}", LIMIT, clock)
        worker.begin(EDGE, f"task{number}", ["a"])
        note_exit(client, EDGE, f"task{number}", ["a"], "process died")
        begun = worker.begin(EDGE, f"task{number}", ["a"])
        worker.remember(EDGE, begun.failed)
        attempts.append(begun.failed[0].attempts)
    assert attempts == [1, 2, 3]


def test_the_evidence_names_the_steps_of_a_suspect(notes, client):
    notes.remember(EDGE, [ScanFailed("a", "process died", alone=False, attempts=0)])
    begun = notes.begin(EDGE, "task1", ["a"])
    assert begun.alone
    assert "a" in begun.suspects
    notes.at(begun, "a", "clamd, unpacking")
    note_exit(client, EDGE, "task1", ["a"], "process died")
    (failure,) = notes.begin(EDGE, "task1", ["a"]).failed
    assert failure == ScanFailed(
        "a", "process died during clamd, unpacking (scan@w1)", alone=True, attempts=1
    )


def test_a_message_that_two_workers_have_is_nobodys_fault(notes):
    notes.begin(EDGE, "task1", ["a"])
    assert notes.begin(EDGE, "task2", ["a", "b"]).wanted == ("a", "b")


def test_a_task_that_comes_again_without_a_death_is_scanned_again(notes):
    notes.begin(EDGE, "task1", ["a", "b"])
    assert notes.begin(EDGE, "task1", ["a", "b"]).wanted == ("a", "b")


def test_a_note_that_no_scan_can_be_behind_any_more_is_a_failure(notes, clock):
    notes.begin(EDGE, "task1", ["a"])
    clock.now += LIMIT + MARGIN + 1
    begun = notes.begin(EDGE, "task2", ["a", "b"])
    assert begun.wanted == ("b",)
    assert begun.failed[0].attempts == 1
    assert "nothing heard of the worker for 331 s" in begun.failed[0].reason


def test_how_another_task_ended_is_not_noted_on_a_message_that_is_scanned_again(notes, client):
    notes.begin(EDGE, "task2", ["a"])
    assert note_exit(client, EDGE, "task1", ["a"], "process died") == 0


def test_a_message_that_got_through_is_no_suspect_any_more(notes, client):
    notes.remember(EDGE, [ScanFailed("a", "process died", alone=True, attempts=2)])
    notes.begin(EDGE, "task1", ["a"])
    notes.end(EDGE, ["a"], ["a"])
    assert not any(client.hashes.values())


def test_what_a_dead_worker_had_in_hand_is_suspect(notes, client, clock):
    notes.begin(EDGE, "task1", ["a", "b"])
    clock.now += 20
    failures = abandoned(client, EDGE, noted(client, EDGE), clock.now)
    assert [(f.mail_id, f.alone) for f in failures] == [("a", False), ("b", False)]
    assert "nothing heard of the worker for 20 s" in failures[0].reason
    assert noted(client, EDGE) == {}
    assert set(notes.begin(EDGE, "task2", ["a"]).suspects) == {"a"}


def test_who_was_alone_in_one_of_two_processes_of_a_dead_worker_is_not_blamed_the_first_time(
    notes, client, clock
):
    for blamed in (False, True):
        for mail_id in ("a", "b"):
            notes.begin(EDGE, f"task of {mail_id}", [mail_id])
        failures = abandoned(client, EDGE, noted(client, EDGE), clock.now)
        assert [(f.mail_id, f.alone, f.attempts) for f in failures] == [
            ("a", blamed, blamed),
            ("b", blamed, blamed),
        ]


def test_who_was_alone_in_a_dead_worker_is_blamed(notes, client, clock):
    notes.begin(EDGE, "task1", ["a"])
    (failure,) = abandoned(client, EDGE, noted(client, EDGE), clock.now)
    assert (failure.alone, failure.attempts) == (True, 1)


def test_notes_of_another_version_are_as_good_as_none(notes, client):
    notes.begin(EDGE, "task1", ["a"])
    client.hset(next(iter(client.hashes)), "a", b'{"who":"knows"}')
    assert notes.begin(EDGE, "task1", ["a"]).wanted == ("a",)
