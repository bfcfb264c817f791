from __future__ import annotations

import json
import os
import time

import pytest
import redis
from click.testing import CliRunner

from mailmill import spoolview
from mailmill.cli import main
from mailmill.cli import queue as queue_module
from mailmill.delivery import Delivery, delivery_id
from mailmill.envelope import Client, Envelope, Recipient, Sasl, Tls
from mailmill.intake import IntakeWriter
from mailmill.intake.directories import ALL
from mailmill.mailids import new_mail_id
from mailmill.spool import Spool, State
from mailmill.spoolfile import SpoolHeader, pack

HOUR = 3600.0
MAIL = b"Subject: x\n\nbody\n"


class FakePipeline:
    def __init__(self, lengths):
        self.lengths = lengths
        self.answers = []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    def length(self, key):
        self.answers.append(self.lengths.get(key, 0))

    llen = hlen = xlen = length

    def execute(self):
        if self.lengths is None:
            raise redis.ConnectionError("refused")
        return self.answers


class FakeRedis:
    def __init__(self, lengths):
        self.lengths = lengths

    def pipeline(self, transaction):
        pipe = FakePipeline(self.lengths)
        if self.lengths is None:
            pipe.llen = pipe.hlen = pipe.xlen = lambda _: None
        return pipe

    def close(self):
        pass


@pytest.fixture
def spools(tmp_path):
    both = Spool(tmp_path / "milterin"), Spool(tmp_path / "milterout")
    for spool in both:
        for state in State:
            (spool.root / state).mkdir(parents=True)
    return both


@pytest.fixture
def milterin(spools):
    return spools[0]


@pytest.fixture
def milterout(spools):
    return spools[1]


@pytest.fixture
def run(tmp_path, monkeypatch):
    conf = tmp_path / "MailScanner.conf"
    conf.write_text(
        f"Incoming Queue Dir = {tmp_path}/milterin\n"
        f"Outgoing Queue Dir = {tmp_path}/milterout\n"
        "Edge Name = edge1\n"
    )
    monkeypatch.setattr(queue_module, "connect", lambda _: FakeRedis({}))
    return lambda *args: CliRunner().invoke(main, ["--conf", str(conf), "queue", *args])


def put(
    spool, *, ago=HOUR, queue_id="A1", sender="s@example.com", recipients=1, content=b"Subject: x\n\nbody\n"
):
    arrival = time.time() - ago
    header = SpoolHeader(
        id=new_mail_id(arrival, queue_id),
        edge="edge1",
        arrival=arrival,
        queue_id=queue_id,
        envelope=Envelope(
            sender=sender,
            sender_args=("SIZE=99",),
            recipients=tuple(Recipient(f"r{n}@example.org", ("NOTIFY=NEVER",)) for n in range(recipients)),
            client=Client("mail.example.com", "192.0.2.7", 40123, "helo.example.com"),
            tls=Tls("TLSv1.3", "AES", 256),
            sasl=Sasl("PLAIN", "fred"),
        ),
        message_id="<m@example.com>",
    )
    with spool.create(header) as writer:
        writer.write(content)
        writer.commit()
    return header.id


def put_delivery(spool):
    arrival = time.time() - HOUR
    mail_id = new_mail_id(arrival, "D1")
    client = Client("unknown", "", 0, "")
    delivery = Delivery(
        id=delivery_id(mail_id, ("1",)),
        mail_id=mail_id,
        edge="edge1",
        sender="new@example.com",
        recipients=(Recipient("second@example.org"),),
        sender_args=(),
        head=b"",
        content="x",
        covers=("1",),
        arrival=arrival,
        verdict="spam",
    )
    envelope = Envelope("old@example.com", (Recipient("a@b"), Recipient("second@example.org")), client)
    header = SpoolHeader(delivery.id, "edge1", arrival, "D1", envelope, delivery=delivery)
    with spool.create(header) as writer:
        writer.write(b"X-MailScanner: spam\n\n")
        writer.commit()
    return mail_id, delivery.id


def states_of(result, queue):
    [found] = [each for each in json.loads(result.stdout) if each["queue"] == queue]
    return {state["state"]: state for state in found["states"]}


# --- list


def test_empty_queues_say_so(spools, run):
    assert run("list").stdout == "The queues are empty.\n"


def test_each_state_is_listed_with_what_waits_in_it(milterin, run):
    active = put(milterin, recipients=3)
    deferred = put(milterin, sender="", queue_id="B1")
    milterin.defer(deferred, State.ACTIVE, time.time() + 90.5)
    lines = run("list").stdout.splitlines()
    assert lines[0] == "milterin, active: 1 message"
    assert lines[2].split()[0] == active
    assert lines[2].split()[2:] == ["1h0m", "-", "3", "s@example.com"]
    assert lines[4] == "milterin, deferred: 1 message"
    assert lines[6].split()[2:] == ["1h0m", "in", "1m30s", "1", "<>"]


def test_a_deferred_message_whose_time_has_come_is_due(milterin, run):
    milterin.defer(put(milterin), State.ACTIVE, time.time() - 5)
    assert " due " in run("list").stdout


def test_a_delivery_is_listed_with_its_own_recipients(milterout, run):
    _, name = put_delivery(milterout)
    [message] = states_of(run("list", "--json"), "milterout")["active"]["messages"]
    assert (message["name"], message["sender"], message["recipients"]) == (
        name,
        "new@example.com",
        ["second@example.org"],
    )


def test_the_limit_shows_the_oldest_and_opens_no_other_file(milterin, run, monkeypatch):
    names = [put(milterin, ago=HOUR - number) for number in range(9)]
    opened = []
    read_header = Spool.read_header
    monkeypatch.setattr(Spool, "read_header", lambda *args: opened.append(args[1]) or read_header(*args))
    result = run("list", "--limit", "2")
    assert opened == names[:2]
    assert "... the oldest 2 of 9 (--limit shows more)" in result.stdout


def test_a_damaged_file_is_listed_as_such(milterin, run):
    (milterin.root / State.ACTIVE / "junk").write_bytes(b"nonsense" * 20)
    [line] = [line for line in run("list").stdout.splitlines() if line.startswith("junk")]
    assert "damaged: " in line


def test_a_file_that_is_being_written_is_not_called_damaged(milterin, run):
    (milterin.root / State.INCOMING / new_mail_id(time.time(), "A1")).write_bytes(b"")
    result = run("list")
    assert "(being written)" in result.stdout
    assert "damaged" not in result.stdout


def test_a_file_that_vanishes_while_it_is_listed_is_left_out(milterin, run, monkeypatch):
    gone, stays = put(milterin), put(milterin, ago=1)
    read_header = Spool.read_header

    def vanish(spool, name, state):
        milterin.remove(gone, State.ACTIVE)
        return read_header(spool, name, state)

    monkeypatch.setattr(Spool, "read_header", vanish)
    result = run("list", "--json")
    assert result.exit_code == 0
    assert [m["name"] for m in states_of(result, "milterin")["active"]["messages"]] == [stays]


def test_a_sender_cannot_write_to_the_terminal(milterin, run):
    put(milterin, sender="\x1b[2J\udcff@example.com")
    assert "\\x1b[2J\\udcff@example.com" in run("list").stdout


def test_a_host_without_a_spool_is_told_so(run):
    result = run("list")
    assert result.exit_code == 1
    assert "is this host an edge?" in result.stderr


# --- counts


def test_counts_tell_messages_bytes_and_age_without_opening_a_file(milterin, run, monkeypatch):
    names = [put(milterin, ago=2 * HOUR), put(milterin)]
    size = sum(milterin.path(name, State.ACTIVE).stat().st_size for name in names)
    monkeypatch.setattr(spoolview.Spool, "read_header", None)
    rows = [line.split() for line in run("counts").stdout.splitlines()]
    assert ["milterin", "active", "2", str(size), "2h0m"] in rows
    assert ["milterout", "active", "0", "0", "-"] in rows


def test_a_deferred_message_is_as_old_as_its_arrival_not_as_its_next_attempt(milterin, run):
    milterin.defer(put(milterin), State.ACTIVE, time.time() + 10 * HOUR)
    assert ["milterin", "deferred", "1"] in [line.split()[:3] for line in run("counts").stdout.splitlines()]
    assert "1h0m" in run("counts").stdout


def test_a_foreign_file_counts_by_its_last_change(milterin, run):
    junk = milterin.root / State.CORRUPT / "junk"
    junk.write_bytes(b"1234")
    os.utime(junk, (time.time() - HOUR, time.time() - HOUR))
    rows = [line.split() for line in run("counts").stdout.splitlines()]
    assert ["milterin", "corrupt", "1", "4", "1h0m"] in rows


def test_a_directory_in_a_state_is_no_message(milterin, run):
    (milterin.root / State.ACTIVE / "lost+found").mkdir()
    rows = [line.split() for line in run("counts").stdout.splitlines()]
    assert ["milterin", "active", "0", "0", "-"] in rows


def test_counts_tell_the_work_in_redis(spools, run, monkeypatch):
    lengths = {
        "scan": 3,
        "deliver": 4,
        "unacked": 5,
        "mailmill:outcomes:edge1": 6,
        "mailmill:events": 7,
    }
    monkeypatch.setattr(queue_module, "connect", lambda _: FakeRedis(lengths))
    assert json.loads(run("counts", "--json").stdout)["redis"] == {
        "scan": 3,
        "deliver": 4,
        "unacked": 5,
        "outcomes": 6,
        "events": 7,
    }
    assert "outcomes for edge1       6" in run("counts").stdout


def test_counts_of_the_spool_need_no_redis(milterin, run, monkeypatch):
    put(milterin)
    monkeypatch.setattr(queue_module, "connect", lambda _: FakeRedis(None))
    result = run("counts")
    assert result.exit_code == 0
    assert "Redis does not answer: refused" in result.stdout
    answer = json.loads(run("counts", "--json").stdout)
    assert answer["redis"] is None
    assert answer["queues"][0]["states"][1]["messages"] == 1


# --- show


def test_show_writes_tabs_in_folded_headers_as_blanks(milterin, run):
    assert "\n        more\n" in run("show", put(milterin, content=b"Subject: a\n\tmore\n\n")).stdout


def test_show_tells_file_envelope_and_headers_but_not_the_body(milterin, run):
    name = put(milterin, content=b"Subject: hello\nX-A: b\n\nsecret body\n")
    result = run("show", name)
    assert result.exit_code == 0
    for expected in (
        str(milterin.path(name, State.ACTIVE)),
        "milterin, active",
        "mail.example.com[192.0.2.7]:40123, HELO helo.example.com",
        "TLSv1.3 AES (256 bits)",
        "PLAIN fred",
        "<s@example.com> SIZE=99",
        "<r0@example.org> NOTIFY=NEVER",
    ):
        assert expected in result.stdout
    assert result.stdout.endswith("\n\nSubject: hello\nX-A: b\n")


@pytest.mark.parametrize("content", [b"", b"\nonly a body\n", b"Subject: no body\n"])
def test_show_copes_with_a_message_without_headers_or_body(milterin, run, content):
    result = run("show", put(milterin, content=content))
    assert result.exit_code == 0
    assert "only a body" not in result.stdout
    assert ("Subject: no body" in result.stdout) == (b"Subject" in content)


def test_show_finds_every_message_of_a_queue_id(milterin, run):
    first, second = put(milterin), put(milterin, ago=1)
    put(milterin, queue_id="A12")
    lines = run("show", "A1").stdout.splitlines()
    assert [line.split()[1] for line in lines if line.startswith("Id:")] == [first, second]


def test_show_finds_a_delivery_by_the_id_of_its_message_and_tells_its_envelope(milterout, run):
    mail_id, name = put_delivery(milterout)
    for wanted in (mail_id, name, "D1"):
        shown = run("show", wanted).stdout
        assert name in shown
        assert "<new@example.com>" in shown
        assert "a@b" not in shown
        assert "spam" in shown


def test_show_tells_damage_and_what_can_still_be_read(milterin, run):
    name = put(milterin)
    path = milterin.path(name, State.ACTIVE)
    path.write_bytes(path.read_bytes()[:-5])
    shown = run("show", name).stdout
    assert "Damaged:" in shown
    assert "<s@example.com>" in shown
    (milterin.root / State.CORRUPT / "junk").write_bytes(b"x")
    result = run("show", "junk")
    assert result.exit_code == 0
    assert "Damaged:" in result.stdout


def test_show_of_a_message_that_is_not_there_fails(spools, run):
    result = run("show", "A1")
    assert result.exit_code == 1
    assert "not in the queues" in result.stderr


def test_show_of_a_message_that_vanishes_is_as_if_it_had_gone_before(milterin, run, monkeypatch):
    put(milterin)
    read_bytes = Spool.read_bytes

    def vanish(spool, name, state):
        spool.remove(name, state)
        return read_bytes(spool, name, state)

    monkeypatch.setattr(Spool, "read_bytes", vanish)
    assert run("show", "A1").exit_code == 1


# --- the intake


def take_in(milterin, *, ago=HOUR, queue_id="A1", damaged=False):
    """Let a milter accept a message into the intake; return its name and its bytes."""
    for name in ALL:
        (milterin.root / name).mkdir(exist_ok=True)
    arrival = time.time() - ago
    header = SpoolHeader(
        id=new_mail_id(arrival, queue_id),
        edge="edge1",
        arrival=arrival,
        queue_id=queue_id,
        envelope=Envelope("s@example.com", (Recipient("r@example.org"),), Client("unknown", "", 0, "")),
    )
    data = pack(header, MAIL)
    IntakeWriter(milterin.root).append(header.id, b"?" * len(data) if damaged else data)
    return header.id, data


def test_messages_of_the_intake_are_listed_with_the_others_by_their_age(milterin, run):
    first, _ = take_in(milterin, ago=3 * HOUR)
    second = put(milterin, ago=2 * HOUR)
    third, data = take_in(milterin)
    messages = states_of(run("list", "--json"), "milterin")["active"]["messages"]
    assert [message["name"] for message in messages] == [first, second, third]
    assert (messages[2]["size"], messages[2]["sender"]) == (len(data), "s@example.com")


def test_messages_of_the_intake_are_counted(milterin, run):
    size = sum(len(data) for _, data in (take_in(milterin, ago=2 * HOUR), take_in(milterin)))
    rows = [line.split() for line in run("counts").stdout.splitlines()]
    assert ["milterin", "active", "2", str(size), "2h0m"] in rows


def test_a_damaged_message_of_the_intake_is_listed_as_such(milterin, run):
    name, _ = take_in(milterin, damaged=True)
    [line] = [line for line in run("list").stdout.splitlines() if line.startswith(name)]
    assert "damaged: " in line


def test_show_tells_where_in_the_intake_a_message_is(milterin, run):
    _, data = take_in(milterin)
    result = run("show", "A1")
    assert result.exit_code == 0
    assert f"{milterin.root}/intake/log/" in result.stdout
    assert f", {len(data)} bytes from " in result.stdout
    assert result.stdout.endswith("\n\nSubject: x\n")


def test_looking_at_the_intake_changes_nothing_in_it(milterin, run):
    take_in(milterin)
    before = {path: path.read_bytes() for path in milterin.root.rglob("*") if path.is_file()}
    for words in (["list"], ["counts"], ["show", "A1"]):
        assert run(*words).exit_code == 0
    assert {path: path.read_bytes() for path in milterin.root.rglob("*") if path.is_file()} == before
