"""A configuration that changes while 500 messages are in flight: each goes by the one or by the other."""

from __future__ import annotations

import os
import re
import subprocess
from collections import Counter

import pytest

from mailmill.mailids import MAIL_ID
from mailmill.messagelog.events import Step
from mailmill.messagelog.store import MessageLog
from mailmill_local.load import Letter
from mailmill_local.probes import wait_until
from mailmill_local.servers.mailmill import COMMANDS

pytestmark = pytest.mark.system

COUNT = 500
#: How many must have been scanned before the configuration changes.
FIRST = 40
#: Seconds in which a command must end.
PATIENCE = 60

RULES = "From: *@example.org {spam}\n"
ENDING = re.compile(r"; configuration ([0-9a-f]{12}(?:\+[0-9a-f]{6})?)\Z")


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


def slow_scan(ports, directory):
    """One message for each task: scanning takes longer than taking a new configuration up."""
    rules = directory / "mailmill" / "spam.rules"
    rules.parent.mkdir(mode=0o755)
    rules.write_text(RULES.format(spam="no"))
    return {
        "Max Unscanned Messages Per Scan": "1",
        "Milter Scanner": "no",
        "Is Definitely Spam": str(rules),
        "Information Header Value": "one",
    }


def write_rules(running, spam):
    path = running.system.places.directory / "spam.rules"
    path.write_text(RULES.format(spam=spam))
    return path


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


def scans(running):
    """Each scan that was recorded: Mailmill id, verdict and version."""
    log = MessageLog.open(f"sqlite:///{running.system.places.database / 'messages.db'}")
    try:
        found = []
        for entry in log.entries(running_ids(running)):
            if entry.event.step is Step.SCANNED:
                version = ENDING.search(entry.event.detail)
                assert version, entry.event.detail
                found.append((entry.event.mail_id, entry.event.detail.partition(";")[0], version[1]))
        return found
    finally:
        log.close()


def running_ids(running):
    """The ids of all messages that were accepted, from the milter's log."""
    lines = (line for line in running.lines if "answer=" in line)
    return {match[0] for line in lines for word in line.split() if (match := MAIL_ID.match(word.rstrip(":")))}


def scanned(running):
    return sum(line.startswith("scan:") and "; configuration " in line for line in running.lines)


def change_under_load(running, change):
    """Let 500 messages be in flight, change something when some are scanned, and see all to their end."""
    system = running.system
    system.scan.stop()
    answers = running.send(small(COUNT, "load"))
    assert {answer.code for answer in answers} == {250}
    system.scan.start()
    system.scan.wait_healthy()
    assert wait_until(lambda: scanned(running) >= FIRST, 60)
    change()
    running.wait_until_empty()
    assert wait_until(lambda: len(scans(running)) >= COUNT, 30)


def assert_each_went_by_one(running, old, new):
    """Every message was scanned once, by one version, and looks as this version wants it."""
    found = scans(running)
    assert Counter(id_ for id_, _, _ in found) == dict.fromkeys(running_ids(running), 1)
    assert {(verdict, version) for _, verdict, version in found} == {("clean", old), ("spam", new)}
    arrived = running.arrived()
    assert len(arrived) == COUNT
    assert {len(copies) for copies in arrived.values()} == {1}
    looks = Counter()
    for (message,) in arrived.values():
        headers = message.data.partition(b"\n\n")[0]
        spam = b"X-Spam-Status: Yes" in headers
        looks[spam, re.search(rb"-Information: (\w+)", headers)[1]] += 1
    count = Counter(version for _, _, version in found)
    assert looks == {(False, b"one"): count[old], (True, b"two"): count[new]}


def version_of(running):
    result = mailmill(running, "conf", "version")
    assert result.returncode == 0, result.stderr
    return result.stdout.split()[0]


def test_changed_files_count_from_one_batch_to_the_next(start):
    running = start("confchange", changes=slow_scan)
    old = version_of(running)
    conf = running.system.places.conf

    def change():
        write_rules(running, "yes")
        conf.write_text(conf.read_text().replace("Header Value = one", "Header Value = two"))

    change_under_load(running, change)
    assert_each_went_by_one(running, old, version_of(running))
    assert not any("Traceback" in line for line in running.lines)
