"""The containers: what comes in at the edge comes out at the relay, whoever scans it."""

from __future__ import annotations

import json
import os
import random
import urllib.request
from collections import Counter
from collections.abc import Iterator
from email.message import EmailMessage
from email.policy import SMTP

import pytest

from compose_project import ComposeProject, why_not
from mailmill_local.mailbox import Received
from mailmill_local.probes import wait_until
from mailmill_local.samples import Fate, Sample, samples, send

pytestmark = pytest.mark.system

#: In a container: print name and user of each process but this one.
_PROCESSES = """
import json, os, pathlib
directories = [p for p in pathlib.Path("/proc").glob("[0-9]*") if int(p.name) != os.getpid()]
print(json.dumps([((p / "comm").read_text().strip(), p.stat().st_uid) for p in directories]))
"""

CLEAN = 48
#: Seconds for all messages; two busy processors need about 15.
SECONDS = 120


def _clean(number: int) -> Sample:
    """Return a message of 10 bytes to 200 kB, some with bytes above 127 and lines that begin with a dot."""
    chance = random.Random(number)  # noqa: S311 - it fills a message
    lines = [
        "Grüße",
        ".",
        "..",
        "",
        " From here ",
        *(f"line {chance.random()}" for _ in range(number * number * 4)),
    ]
    message = EmailMessage(policy=SMTP.clone(cte_type="8bit"))
    message["From"] = "sender@example.com"
    message["To"] = f"r{number}@example.org"
    message["Subject"] = f"number {number}"
    message["Date"] = "Mon, 01 Jan 2024 00:00:00 +0000"
    message["Message-ID"] = f"<{number}@compose.example>"
    message.set_content("\n".join(lines) + "\n", cte="8bit")
    return Sample(f"{number}", message["Message-ID"], (message["To"],), message.as_bytes(), Fate.DELIVERED)


@pytest.fixture(scope="module")
def clean() -> list[Sample]:
    return [_clean(number) for number in range(CLEAN)]


@pytest.fixture(scope="module")
def stopped() -> list[Sample]:
    return [sample for sample in samples("compose") if sample.fate is Fate.QUARANTINED]


@pytest.fixture(scope="module")
def project(tmp_path_factory) -> Iterator[ComposeProject]:
    if reason := why_not():
        if os.environ.get("REQUIRE_COMPOSE"):
            pytest.fail(f"{reason}, and REQUIRE_COMPOSE is set", pytrace=False)
        pytest.skip(reason)
    project = ComposeProject(tmp_path_factory.mktemp("compose"))
    try:
        try:
            project.start()
            project.wait_healthy()
        except BaseException as error:
            error.add_note(project.logs())
            raise
        yield project
    finally:
        project.remove()


@pytest.fixture(autouse=True)
def _logs_of_failures(request: pytest.FixtureRequest, project: ComposeProject) -> Iterator[None]:
    failed = request.session.testsfailed
    yield
    if request.session.testsfailed > failed:
        request.node.add_report_section("teardown", "logs", project.logs())


def _wait_finished(project: ComposeProject, messages: int) -> None:
    """Wait until the edge is done with this number of messages."""

    def finished() -> int:
        return int(project.message_log("SELECT COUNT(*) FROM events WHERE step = 'finished'")[0][0])

    assert wait_until(lambda: finished() >= messages, SECONDS), f"{finished()} of {messages} have finished"


def _wait_delivered(project: ComposeProject, files: int) -> list[Received]:
    """Wait until the relay has put this number of files into its Maildir, and return them."""

    def delivered() -> int:
        return len(project.run_in("relay", "ls", "/srv/relay/mail/all/new").split())

    assert wait_until(lambda: delivered() >= files, SECONDS)
    return project.mailbox().messages()


@pytest.fixture(scope="module")
def sent(project: ComposeProject, clean: list[Sample], stopped: list[Sample]) -> list[Sample]:
    """All messages, sent and done with."""
    everything = [*clean, *stopped]
    replies = [send(sample, project.smtp_port) for sample in everything]
    assert [reply.reply for reply in replies if not reply.queue_id] == []
    _wait_finished(project, len(everything))
    return everything


def test_every_clean_message_arrives_once_with_its_body(
    project: ComposeProject, sent: list[Sample], clean: list[Sample], stopped: list[Sample]
) -> None:
    # A notice to the postmaster for each that was stopped.
    received = _wait_delivered(project, len(clean) + len(stopped))
    wanted = {sample.message_id: sample for sample in clean}
    arrived = [message for message in received if message.header("Message-ID") in wanted]
    assert Counter(message.header("Message-ID") for message in arrived) == dict.fromkeys(wanted, 1)
    for message in arrived:
        sample = wanted[message.header("Message-ID") or ""]
        assert message.recipient == sample.recipients[0]
        assert message.body == sample.data.replace(b"\r\n", b"\n").partition(b"\n\n")[2]


def test_viruses_and_programs_are_in_quarantine_only(
    project: ComposeProject, sent: list[Sample], stopped: list[Sample]
) -> None:
    kept = [path.read_bytes() for path in project.quarantine().rglob("message")]
    assert len(kept) == len(stopped)
    for sample in stopped:
        assert sum(sample.message_id.encode() in message for message in kept) == 1
    received = project.mailbox().messages()
    assert {message.header("Message-ID") for message in received}.isdisjoint(s.message_id for s in stopped)
    assert sum(message.recipient == "postmaster@example.net" for message in received) == len(stopped)


def test_both_workers_scan(project: ComposeProject, sent: list[Sample]) -> None:
    rows = project.message_log("SELECT node, COUNT(*) FROM events WHERE step = 'scanned' GROUP BY node")
    assert len(rows) == 2
    assert sum(count for _, count in rows) == len(sent)


def test_what_need_not_be_root_is_not(project: ComposeProject) -> None:
    services = ["milter", "queue-manager", "worker", "deliver", "recorder", "flower", "clamd", "rspamd"]
    assert [service for service in services if project.run_in(service, "id", "-u").strip() == "0"] == []
    of_postfix = json.loads(project.run_in("edge", "python3", "-c", _PROCESSES))
    assert {name for name, uid in of_postfix if uid == 0} == {"tini", "master"}
    assert {"smtpd", "qmgr"} <= {name for name, _ in of_postfix}


def test_redis_asks_for_its_password_and_keeps_its_data(project: ComposeProject) -> None:
    assert "NOAUTH" in project.run_in("redis", "env", "-u", "REDISCLI_AUTH", "redis-cli", "get", "x")
    assert "yes" in project.run_in("redis", "redis-cli", "config", "get", "appendonly")


def test_flower_is_published(project: ComposeProject) -> None:
    with urllib.request.urlopen(f"http://127.0.0.1:{project.flower_port}/healthcheck", timeout=20) as answer:
        assert answer.status == 200


def test_accepted_mail_outlives_the_containers_of_the_edge(
    project: ComposeProject, sent: list[Sample]
) -> None:
    project.compose("stop", "worker")
    late = _clean(CLEAN)
    assert send(late, project.smtp_port).queue_id
    project.compose("rm", "--stop", "--force", "edge", "milter", "queue-manager", "redis")
    project.up()
    _wait_finished(project, len(sent) + 1)
    assert wait_until(
        lambda: late.message_id in [m.header("Message-ID") for m in project.mailbox().messages()], SECONDS
    )
