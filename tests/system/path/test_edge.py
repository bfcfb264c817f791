"""An edge that is drained, taken over, started twice, or has files in its queues that cannot be read."""

import json
import os
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

import pytest

from mailmill.intake.records import Record, arrived, frame
from mailmill.spool import Spool, State
from mailmill_local.load import Letter
from mailmill_local.probes import wait_until
from mailmill_local.servers.mailmill import COMMANDS
from mailmill_milter.gate import CHECK_INTERVAL
from mailmill_milter.session import SPILL

pytestmark = pytest.mark.system

COUNT = 20
#: Seconds in which a command must end.
PATIENCE = 120


def small(count, prefix):
    return [
        Letter(
            "sender@example.org",
            (f"{prefix}{number:03}@example.com",),
            b"From: sender@example.org\nSubject: %d\nMessage-ID: <%s%d@example.org>\n\nbody %d\n"
            % (number, prefix.encode(), number, number),
        )
        for number in range(count)
    ]


def large(count, prefix):
    """Letters that get a spool file of their own."""
    more = b"x" * 70 + b"\n"
    return [
        Letter(letter.sender, letter.recipients, letter.data + more * (SPILL // len(more)))
        for letter in small(count, prefix)
    ]


def mailmill(running, *arguments, **environment):
    """Run a command to its end."""
    return subprocess.run(
        [str(COMMANDS / "mailmill"), "--conf", str(running.system.places.conf), *arguments],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
        env={**os.environ, **environment},
    )


def arrived_at(running, prefix):
    return {name: copies for name, copies in running.arrived().items() if name.startswith(prefix)}


def assert_all_arrived_once(running, count, prefix):
    found = arrived_at(running, prefix)
    assert len(found) == count
    assert {len(copies) for copies in found.values()} == {1}


def restart(*servers):
    for server in servers:
        server.start()
        server.wait_healthy()


def kill(server):
    server.process.stop(0)
    server.stop()


def test_a_second_queue_manager_for_the_same_queues_is_refused(running):
    second = mailmill(running, "queue-manager")
    assert second.returncode == 1
    assert "in use by process" in second.stderr
    assert str(running.system.queue_manager.process.pid) in second.stderr


def test_a_drained_edge_takes_nothing_empties_its_queues_and_takes_mail_again(running):
    answers = running.send(small(COUNT, "drain-"))
    drained = mailmill(running, "drain", "--wait")
    assert (drained.returncode, drained.stderr) == (0, "")
    assert drained.stdout.splitlines()[-1] == "The queues are empty."
    assert running.waiting() == []
    assert_all_arrived_once(running, len(answers), "drain-")
    refused = running.send(small(3, "refused-"))
    assert {answer.code for answer in refused} == {451}
    assert {answer.text[:5] for answer in refused} == {"4.3.2"}
    assert mailmill(running, "drain", "--off").returncode == 0
    # Each milter process believes for so long what it saw last.
    time.sleep(CHECK_INTERVAL)
    assert all(answer.accepted for answer in running.send(small(COUNT, "again-")))


def test_the_queues_of_a_running_edge_cannot_be_taken_over(running):
    answer = mailmill(running, "adopt", str(running.system.places.incoming))
    assert (answer.returncode, answer.stdout) == (1, "")
    assert "of this edge itself" in answer.stderr


def kept(system):
    """The files of the outgoing queue: those that wait, also when their time has come."""
    return [
        path
        for state in (State.DEFERRED, State.ACTIVE)
        for path in (system.places.outgoing / state).iterdir()
    ]


@pytest.fixture(params=["/tmp", "/dev/shm"])  # noqa: S108 - one file system of the queues, and another one
def gone(request):
    directory = Path(tempfile.mkdtemp(prefix="mm-gone-", dir=request.param))
    yield directory
    shutil.rmtree(directory)


def test_the_mail_of_an_edge_that_is_gone_is_delivered_by_the_one_that_takes_it_over(running, gone):
    system = running.system
    prefix = f"adopt{gone.parent.name}-"
    running.wait_until_empty()
    system.relay.stop()
    answers = running.send(small(COUNT, f"{prefix}out-"))
    assert wait_until(lambda: len(kept(system)) == COUNT, 60)
    kill(system.queue_manager)
    answers += running.send(small(COUNT, f"{prefix}in-"))
    kill(system.milter)
    for place in (system.places.incoming, system.places.outgoing):
        shutil.move(place, gone)
    for server in (system.queue_manager, system.milter):
        server.variables["MAILMILL_EDGE_NAME"] = "edge2"
    restart(system.relay, system.queue_manager, system.milter)
    taken = mailmill(running, "adopt", str(gone), MAILMILL_EDGE_NAME="edge2")
    assert (taken.returncode, taken.stderr) == (0, "")
    assert taken.stdout == f"{2 * COUNT} adopted, 0 damaged, 0 here already, 0 left\n"
    assert [path for path in gone.glob("*/*/*") if path.parent.name in set(State)] == []
    assert list(gone.glob("*/intake/*/*")) == []
    assert all(answer.accepted for answer in answers)
    running.wait_until_empty()
    assert_all_arrived_once(running, len(answers), prefix)


def test_files_that_cannot_be_read_are_kept_and_stop_nobody(running):
    system = running.system
    running.wait_until_empty()
    kill(system.queue_manager)
    answers = running.send(large(COUNT, "bad-"))
    assert all(answer.accepted for answer in answers)
    active = system.places.incoming / State.ACTIVE
    truncated, empty, unreadable, *_ = sorted(active.iterdir())
    data, whole = truncated.read_bytes(), unreadable.read_bytes()
    owner = unreadable.stat()
    truncated.write_bytes(data[:-10])
    empty.write_bytes(b"")
    os.chown(unreadable, 0, 0)
    unreadable.chmod(0o600)
    (active / "core").mkdir()
    (active / "README").write_text("foreign")
    system.relay.stop()
    restart(system.queue_manager)
    good = COUNT - 3
    assert wait_until(lambda: len(kept(system)) == good, 60)
    spoiled = min(kept(system))
    spoiled_data = spoiled.read_bytes()
    spoiled.write_bytes(spoiled_data[:-1])
    restart(system.relay)
    assert wait_until(lambda: len(arrived_at(running, "bad-")) == good - 1, 180)
    corrupt = {path.name: path.read_bytes() for path in (system.places.incoming / State.CORRUPT).iterdir()}
    assert corrupt == {truncated.name: data[:-10], empty.name: b"", "README": b"foreign"}
    assert (system.places.outgoing / State.CORRUPT / spoiled.name).read_bytes() == spoiled_data[:-1]
    assert {path.name for path in active.iterdir()} == {unreadable.name, "core"}
    assert unreadable.read_bytes() == whole
    for name in (truncated.name, empty.name, spoiled.name):
        assert [line for line in running.lines if f"{name}: damaged, kept in corrupt" in line] != []
    os.chown(unreadable, owner.st_uid, owner.st_gid)
    assert wait_until(lambda: len(arrived_at(running, "bad-")) == good, 90)
    assert_all_arrived_once(running, good, "bad-")
    assert "corrupt" in mailmill(running, "trace", truncated.name).stdout
    # What is kept for a person waits for one: the other tests want empty queues.
    (active / "core").rmdir()
    for queue in (system.places.incoming, system.places.outgoing):
        for path in (queue / State.CORRUPT).iterdir():
            path.unlink()


def records(intake):
    """The messages that the milter has told of, by segment."""
    found: dict[Path, list[Record]] = {}
    for path in (intake / "arrived").iterdir():
        listed, _ = arrived(path.read_bytes())
        if listed:
            found[intake / "log" / path.name] = listed
    return found


def test_messages_of_the_intake_that_are_damaged_are_kept_and_stop_nobody(running):
    system = running.system
    intake = system.places.incoming / "intake"
    running.wait_until_empty()
    kill(system.queue_manager)
    answers = running.send(small(3 * COUNT, "torn-"))
    assert all(answer.accepted for answer in answers)
    kill(system.milter)
    segment, listed = max(records(intake).items(), key=lambda item: len(item[1]))
    spoiled, unframed, *_ = listed
    with segment.open("r+b") as file:
        file.seek(spoiled.offset + spoiled.length - 3)
        file.write(b"\0")
        file.seek(unframed.start)
        file.write(bytes(20))
        file.truncate(listed[-1].end)
        file.seek(0, os.SEEK_END)
        file.write(frame("01HZZZZZZZABCDEFGH-4XyZ", 1000) + b"the half of a message")
    data = segment.read_bytes()[spoiled.offset : spoiled.offset + spoiled.length]
    before = {path.name for path in (system.places.incoming / State.CORRUPT).iterdir()}
    restart(system.queue_manager, system.milter)
    good = len(answers) - 1
    assert wait_until(lambda: len(arrived_at(running, "torn-")) == good, 120)
    corrupt = {path.name: path.read_bytes() for path in (system.places.incoming / State.CORRUPT).iterdir()}
    assert {name: content for name, content in corrupt.items() if name not in before} == {spoiled.name: data}
    (system.places.incoming / State.CORRUPT / spoiled.name).unlink()
    assert any(f"{spoiled.name}: damaged, kept in corrupt" in line for line in running.lines)
    assert_all_arrived_once(running, good, "torn-")


def test_a_queue_manager_that_is_killed_again_and_again_delivers_each_message_once(running):
    system = running.system
    sent = []
    for number in range(4):
        prefix = f"again{number}-"
        sent += running.send(small(5 * COUNT, prefix))
        assert wait_until(lambda: len(arrived_at(running, prefix)) > COUNT, 60)  # noqa: B023
        kill(system.queue_manager)
        restart(system.queue_manager)
    assert all(answer.accepted for answer in sent)
    running.wait_until_empty()
    for number in range(4):
        assert_all_arrived_once(running, 5 * COUNT, f"again{number}-")


def test_messages_of_the_intake_are_shown_like_others(running):
    system = running.system
    running.wait_until_empty()
    kill(system.queue_manager)
    answers = running.send([*small(3, "shown-"), *large(1, "shownlarge-")])
    assert all(answer.accepted for answer in answers)
    assert len(list((system.places.incoming / State.ACTIVE).iterdir())) == 1
    counts = json.loads(mailmill(running, "queue", "counts", "--json").stdout)
    assert any(each.get("state") == "active" and each.get("messages") == 4 for each in flat(counts)), counts
    listed = mailmill(running, "queue", "list").stdout
    spool = Spool(system.places.incoming)
    names = sorted(spool.names(State.ACTIVE))
    assert [name for name in names if name not in listed] == []
    for name in names:
        header = spool.read_header(name, State.ACTIVE)
        shown = mailmill(running, "queue", "show", name)
        assert (shown.returncode, shown.stderr) == (0, "")
        assert header.envelope.recipients[0].address in shown.stdout
    restart(system.queue_manager)
    running.wait_until_empty()
    assert_all_arrived_once(running, 3, "shown-")


def flat(value):
    """All objects in a JSON document."""
    if isinstance(value, dict):
        yield value
    for each in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from flat(each)
