"""A configuration that changes while 500 messages are in flight: each goes by the one or by the other."""

from __future__ import annotations

import json
import os
import re
import subprocess
import threading
from collections import Counter

import pytest
import redis

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


def edit(running, path, old, new):
    """Change a file that was written for the test."""
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def versions(running):
    """The published versions, the newest first."""
    return [each["version"] for each in json.loads(mailmill(running, "conf", "versions", "--json").stdout)]


def in_force(running, who, version):
    """Say whether a process has told that it goes by a version."""
    told = re.compile(rf"configuration {re.escape(version)}\S* is in force")
    return any(line.startswith(f"{who}:") and told.search(line) for line in running.lines)


def assert_all_go_by(running, version):
    for who in ("scan", "deliver", "milter", "queue-manager"):
        assert wait_until(lambda who=who: in_force(running, who, version), 20), who


def test_changed_files_count_from_one_batch_to_the_next(start):
    running = start("confchange", changes=slow_scan)
    old = version_of(running)
    conf = running.system.places.conf

    def change():
        write_rules(running, "yes")
        edit(running, conf, "Header Value = one", "Header Value = two")

    change_under_load(running, change)
    assert_each_went_by_one(running, old, version_of(running))
    assert not any("Traceback" in line for line in running.lines)


def test_a_wrong_change_is_told_and_the_old_configuration_stays(start):
    running = start("confwrong", changes=slow_scan)
    old = version_of(running)
    conf = running.system.places.conf
    conf.write_text(conf.read_text() + "Milter Prot = 1\nClamd Port = none\n")
    for who in ("scan", "deliver", "milter", "queue-manager"):
        assert wait_until(lambda who=who: refused(running, who, old), 20), who
    answers = running.send(small(3, "still"))
    assert {answer.code for answer in answers} == {250}
    running.wait_until_empty()
    assert wait_until(lambda: len(scans(running)) == 3, 30)
    assert {version for _, _, version in scans(running)} == {old}
    edit(running, conf, "Milter Prot = 1\nClamd Port = none\n", "")
    edit(running, conf, "Header Value = one", "Header Value = two")
    new = version_of(running)
    assert_all_go_by(running, new)


def refused(running, who, old):
    """Say whether a process has told that it stays with `old`, and of both faults."""
    lines = [line for line in running.lines if line.startswith(f"{who}:")]
    wanted = (f"refused, {old} stays in force", "unknown option Milter Prot", "Clamd Port must be")
    return all(any(text in line for line in lines) for text in wanted)


def published(ports, directory):
    """The cluster's configuration is not that of the node's own file, which only says where Redis is."""
    site = directory / "site"
    site.mkdir(mode=0o755)
    (site / "conf.d").mkdir()
    own = slow_scan(ports, directory)
    policy = "".join(f"{name} = {value}\n" for name, value in own.items())
    (site / "MailScanner.conf").write_text("%org-name% = mailmill\ninclude conf.d/*.conf\n")
    clamd, relay = directory / "clamd" / "clamd.ctl", ports.relay_qmqp
    (site / "conf.d" / "site.conf").write_text(
        f"{policy}Clamd Socket = {clamd}\nRspamd URL = http://127.0.0.1:{ports.rspamd}\n"
        f"MSMail Delivery Method = QMQP\nMSMail Relay Address = 127.0.0.1\nMSMail Relay Port = {relay}\n"
        "Milter Ignore Loopback = no\nSend Notices = no\n"
    )
    return {"Configuration Source": "published", "Configuration Dir": str(directory / "mailmill" / "copy")}


def publish(running, expect=0):
    """Publish the site's configuration and return its version."""
    site = running.system.directory / "site" / "MailScanner.conf"
    result = mailmill(running, "conf", "publish", str(site))
    assert result.returncode == expect, result.stderr
    return result


def test_a_published_configuration_counts_for_all_and_survives_a_redis_that_loses_it(start_published):
    running = start_published("confpub")
    system = running.system
    (old,) = versions(running)
    conf = system.directory / "site" / "conf.d" / "site.conf"

    def change():
        write_rules(running, "yes")
        edit(running, conf, "Header Value = one", "Header Value = two")
        conf.write_text(conf.read_text() + "Milter Prot = 1\nClamd Port = none\n")
        result = publish(running, expect=78)
        assert "unknown option Milter Prot" in result.stderr
        assert "Clamd Port must be" in result.stderr
        assert versions(running) == [old]
        edit(running, conf, "Milter Prot = 1\nClamd Port = none\n", "")
        publish(running)

    change_under_load(running, change)
    new, before = versions(running)
    assert before == old
    assert_each_went_by_one(running, old, new)
    assert_all_go_by(running, new)

    # Redis loses everything: somebody puts it back, and the nodes never go by anything else.
    with redis.Redis(port=system.ports.redis) as client:
        client.flushall()
    assert wait_until(lambda: versions(running) == [new], 20)

    # A node starts without Redis, with its copy.
    system.redis.stop()
    system.milter.stop()
    system.milter.start()
    system.milter.wait_healthy()
    system.redis.start()
    system.redis.wait_healthy()

    assert publish(running).stdout == f"{new} is in force already.\n"
    write_rules(running, "no")
    edit(running, conf, "Header Value = two", "Header Value = one")
    # Each change waits for the one before: a process that looks between them only would have nothing to tell.
    running.lines.clear()
    publish(running)
    assert versions(running)[0] == old
    assert_all_go_by(running, old)
    running.lines.clear()
    assert mailmill(running, "conf", "rollback").stdout == f"{new} is published again.\n"
    assert versions(running) == [new, old, new]
    assert_all_go_by(running, new)
    running.lines.clear()
    assert mailmill(running, "conf", "rollback", old).returncode == 0
    assert_all_go_by(running, old)
    assert not any("Traceback" in line for line in running.lines)


@pytest.fixture
def start_published(start, servers_dir):
    """Start a system whose processes wait for a configuration until it is published."""

    def begin(name):
        publisher = threading.Thread(target=publish_when_redis_is_there, args=(servers_dir / name,))
        publisher.start()
        try:
            return start(name, changes=published)
        finally:
            publisher.join()

    return begin


def publish_when_redis_is_there(directory):
    """Publish as soon as a node says that it waits for it, as an administrator of a new cluster does."""
    node, site = directory / "mailmill" / "MailScanner.conf", directory / "site" / "MailScanner.conf"
    command = [str(COMMANDS / "mailmill"), "--conf", str(node), "conf", "publish", str(site)]

    def done():
        return node.exists() and not subprocess.run(command, capture_output=True, check=False).returncode

    assert wait_until(done, PATIENCE)
