import asyncio
import dataclasses

import pytest
from msgspec.structs import replace

from mailmill.delivery import Delivery
from mailmill.errors import ContentsError
from mailmill.outcomes import ContentsMissing, ScanDeferred, ScanFailed, Scanned
from mailmill.records import decode
from mailmill.scannotes import ScanNotes, note_exit, noted
from mailmill.settings import Settings
from mailmill.spoolfile import SpoolHeader, pack, unpack
from mailmill_workers.scan.batch import ScanBatch
from mailmill_workers.scan.decision import Decider
from mailmill_workers.scan.giveup import GiveUp
from mailmill_workers.scan.handon import HandOn
from mailmill_workers.scan.quarantine import Quarantine
from redis_hashes import FakeHashes


class Bench:
    """A scan with everything in memory; `faults` holds what is raised for a message."""

    def __init__(self, tmp_path, make_mail, make_report):
        self.mail, self.answers = make_mail(), make_report()
        self.items: dict[str, bytes] = {}
        self.outcomes, self.delivered, self.faults, self.steps = [], [], {}, []
        self.groups = []
        #: How many turns of the event loop a scan takes; the slow one ends when another was reported.
        self.turns, self.slow = {}, ""
        self.redis = FakeHashes()
        self.notes = ScanNotes(self.redis, "scan@w1", "w1", 300)
        settings = Settings.of(
            {"Notices To": "postmaster@example.com", "Quarantine Dir": str(tmp_path / "q")}
        )
        decider = Decider(settings, Quarantine(tmp_path / "q", 0o640), "scan@w1")
        hand_on = HandOn(self, self, self)
        self.batch = ScanBatch(self, self, decider, hand_on, self.notes, lambda: self)
        self.gave_up = GiveUp(self, self, decider, hand_on, self.notes)

    def message(self, mail_id):
        header = SpoolHeader(mail_id, "edge1", 1_800_000_000.0, mail_id, self.mail.header.envelope)
        self.items[mail_id] = pack(header, self.mail.content)

    def scan(self, *ids, task="task1"):
        self.outcomes.clear()
        self.batch.run("edge1", ids, task)
        return {outcome.mail_id: outcome for outcome in self.outcomes}

    # the contents store, the ledger, the reporter, the tasks
    def get(self, keys):
        return {key: self.items[key] for key in keys if key in self.items}

    def put(self, items):
        self.items.update(items)

    def confirmed(self, mail_ids):
        return dict.fromkeys(mail_ids, frozenset())

    def report(self, edge, outcomes, events):
        self.outcomes += outcomes
        self.groups.append([outcome.mail_id for outcome in outcomes])

    def deliver(self, edge, ids):
        self.delivered += ids

    # the examiner
    async def __aenter__(self):
        return Examining(self)

    async def __aexit__(self, *exc):
        pass


class Examining:
    def __init__(self, bench):
        self.bench = bench

    async def examine(self, mail, trail):
        with trail.step("clamd"):
            self.bench.steps.append(noted(self.bench.redis, "edge1")[mail.id].steps)
            if mail.id in self.bench.faults:
                raise self.bench.faults[mail.id]
            for _ in range(self.bench.turns.get(mail.id, 0)):
                await asyncio.sleep(0)
            while mail.id == self.bench.slow and not self.bench.groups:  # noqa: ASYNC110 - a thread reports
                await asyncio.sleep(0.001)
        return self.bench.answers


@pytest.fixture
def bench(tmp_path, make_mail, make_report):
    bench = Bench(tmp_path, make_mail, make_report)
    for mail_id in "abc":
        bench.message(mail_id)
    return bench


def test_nothing_is_noted_of_messages_that_were_handed_on(bench):
    assert set(map(type, bench.scan("a", "b", "c").values())) == {Scanned}
    assert len(bench.delivered) == 3
    assert not any(bench.redis.hashes.values())


def test_results_that_come_one_after_the_other_go_on_together(bench):
    bench.turns = {"b": 20, "c": 40}
    bench.scan("a", "b", "c")
    assert [sorted(group) for group in bench.groups] == [["a", "b", "c"]]


def test_a_result_does_not_wait_for_a_neighbour_that_takes_long(bench):
    bench.slow = "b"
    bench.scan("a", "b", "c")
    assert [sorted(group) for group in bench.groups] == [["a", "c"], ["b"]]


def test_a_fault_of_ours_makes_suspects_in_company_and_counts_alone(bench):
    bench.faults["b"] = ValueError("no such\nthing")
    found = bench.scan("a", "b", "c")
    assert isinstance(found["a"], Scanned)
    assert isinstance(found["b"], ScanFailed)
    assert (found["b"].alone, found["b"].attempts) == (False, 0)
    for attempt in (1, 2):
        failure = bench.scan("b", task=f"task{attempt}")["b"]
        assert (failure.alone, failure.attempts) == (True, attempt)
    assert failure.reason.startswith("thing (in examine, test_batch.py:")


@pytest.mark.parametrize(
    ("fault", "outcome"),
    [(ValueError("no such thing"), ScanFailed), (OSError("No space left"), ScanDeferred)],
)
def test_a_fault_in_the_decision_about_a_message_leaves_its_neighbours_alone(bench, fault, outcome):
    class Undecided(Decider):
        def decide(self, mail, *rest):
            if mail.id == "b":
                raise fault
            return super().decide(mail, *rest)

    decider = bench.batch.decider
    undecided = Undecided(decider._settings, decider._quarantine, "scan@w1")
    bench.batch = dataclasses.replace(bench.batch, decider=undecided)
    found = bench.scan("a", "b", "c")
    assert {mail_id: type(one) for mail_id, one in found.items()} == {
        "a": Scanned,
        "b": outcome,
        "c": Scanned,
    }


def test_what_the_surroundings_are_to_blame_for_does_not_count(bench):
    bench.faults["a"] = OSError("No space left on device")
    assert isinstance(bench.scan("a")["a"], ScanDeferred)
    assert not any(bench.redis.hashes.values())


def test_the_steps_of_a_suspect_are_noted_and_those_of_others_are_not(bench):
    bench.scan("a")
    bench.faults["b"] = RuntimeError()
    bench.scan("b")
    bench.scan("b")
    assert bench.steps == ["", "", "clamd"]


def test_a_process_without_memory_ends_at_once_and_leaves_its_notes_to_the_next(bench, monkeypatch):
    def end(status):
        raise SystemExit(status)

    monkeypatch.setattr("mailmill_workers.scan.limits.os._exit", end)
    bench.faults["b"] = MemoryError()
    with pytest.raises(SystemExit):
        bench.scan("b")
    assert bench.outcomes == []
    assert list(noted(bench.redis, "edge1")) == ["b"]


def test_a_task_that_comes_again_after_a_death_scans_nothing_and_reports_the_suspects(bench):
    bench.notes.begin("edge1", "task1", ["a", "b", "c"])
    bench.notes.end("edge1", ["c"])
    note_exit(bench.redis, "edge1", "task1", ["a", "b", "c"], "process died")
    found = bench.scan("a", "b", "c")
    assert set(found) == {"a", "b"}
    assert set(map(type, found.values())) == {ScanFailed}
    assert bench.steps == []
    # The next tries find no trace of the death but that they are suspects.
    assert isinstance(bench.scan("a", task="task2")["a"], Scanned)


def test_a_message_that_is_not_there_is_asked_for_and_no_note_stays(bench):
    assert bench.scan("a", "z")["z"] == ContentsMissing("z")
    assert noted(bench.redis, "edge1") == {}


def test_what_is_given_up_on_goes_to_the_quarantine_whole_with_a_notice(bench, tmp_path):  # B9
    bench.notes.remember("edge1", [ScanFailed("a", "process died", alone=True, attempts=6)])
    bench.gave_up.run("edge1", "a", "no scan came to an end in 6 attempts; the last: process died")
    (outcome,) = bench.outcomes
    assert isinstance(outcome, Scanned)
    assert list(outcome.deliveries) == bench.delivered
    (message,) = tmp_path.glob("q/*/a/message")
    assert message.read_bytes() == bench.mail.content
    notice = decode(bench.items[bench.delivered[0]], Delivery).head.decode().replace("=\n", "")
    assert "poison message" in notice
    assert "6 attempts" in notice
    assert not any(bench.redis.hashes.values())


def test_giving_up_waits_when_the_quarantine_cannot_be_written(bench, tmp_path):
    (tmp_path / "q").write_text("not a directory")
    bench.notes.remember("edge1", [ScanFailed("a", "process died", alone=True, attempts=6)])
    bench.gave_up.run("edge1", "a", "evidence")
    assert isinstance(bench.outcomes[0], ScanDeferred)
    assert "a" in bench.notes.begin("edge1", "t", ["a"]).suspects


def test_redis_that_is_away_fails_the_task(bench):
    def away(keys):
        raise ContentsError("away")

    bench.get = away
    with pytest.raises(ContentsError):
        bench.scan("a")


def test_deliveries_of_an_adopted_message_belong_to_the_edge_that_sent_it(bench):
    file = unpack(bench.items["a"])
    bench.items["a"] = pack(replace(file.header, edge="gone"), file.content)
    bench.scan("a")
    bench.gave_up.run("edge1", "a", "evidence")
    assert {decode(bench.items[one], Delivery).edge for one in bench.delivered} == {"edge1"}
    assert len(bench.delivered) == 2
