"""Every way that MailScanner.conf can choose carries mail from the edge to the inbox."""

import pytest

from mailmill_local.load import Letter
from mailmill_local.probes import free_port
from mailmill_local.samples import EICAR, GTUBE
from mailmill_local.servers.relay import PostfixRelay
from mailmill_local.servers.spamd import Spamd

pytestmark = pytest.mark.system

#: Letters for each way; the large tests use the default one.
COUNT = 40


def delivered_and_scanned(running, letters, name):
    infected = Letter("sender@example.org", (f"{name}-virus@example.com",), b"Subject: x\n\n" + EICAR + b"\n")
    spam = Letter(
        "sender@example.org",
        (f"{name}-spam@example.com",),
        b"From: sender@example.org\nSubject: x\n\n" + GTUBE.encode() + b"\n",
    )
    answers = running.send([*letters(COUNT, name), infected, spam])
    assert all(answer.accepted for answer in answers)
    running.wait_until_empty()
    arrived = running.arrived()
    assert f"{name}-virus@example.com" not in arrived
    (marked,) = arrived[f"{name}-spam@example.com"]
    assert marked.header("X-Spam-Status") == "Yes"
    for answer in answers[:COUNT]:
        for copy in arrived.get(answer.letter.recipients[0], []):
            assert copy.body == answer.letter.body.replace(b"\r", b" ")
    assert len(arrived) + len(running.quarantined()) == len(answers)
    assert {len(copies) for copies in arrived.values()} == {1}


def test_contents_in_a_shared_directory(start, letters, server_dir):
    shared = server_dir / "contents"
    shared.mkdir()
    shared.chmod(0o777)
    running = start("shared", changes=lambda ports, directory: {"Contents URL": f"file://{shared}"})
    delivered_and_scanned(running, letters, "shared")
    assert [path for path in shared.rglob("*") if path.is_file()] == []


def test_delivery_over_smtp(start, letters):
    running = start(
        "smtp",
        changes=lambda ports, directory: {
            "MSMail Delivery Method": "SMTP",
            "MSMail Relay Port": str(ports.relay_smtp),
        },
    )
    delivered_and_scanned(running, letters, "smtp")
    sent = [line for line in running.lines if line.startswith("deliver: ") and "status=sent" in line]
    assert len(sent) > COUNT
    relay = f"relay=inet:127.0.0.1:{running.system.ports.relay_smtp},"
    assert [line for line in sent if relay not in line] == []


def test_delivery_over_the_qmqp_unix_socket(start, letters):
    running = start(
        "unix",
        changes=lambda ports, directory: {
            "MSMail Socket Type": "unix",
            "MSMail Socket Dir": str(PostfixRelay(directory / "relay", qmqp_port=0, smtp_port=0).qmqp_socket),
        },
    )
    delivered_and_scanned(running, letters, "unix")
    assert any("relay=unix:" in line for line in running.lines)


def test_spamassassin(start, letters, require, servers_dir):
    require(*Spamd.programs)
    with Spamd(servers_dir / "spamd-way", port=free_port()) as spamd:
        changes = {"Spam Scanner": "spamassassin", "Spamd Socket": f"127.0.0.1:{spamd.port}"}
        running = start("spamassassin", changes=lambda ports, directory: changes)
        delivered_and_scanned(running, letters, "spamassassin")
        (marked,) = running.arrived()["spamassassin-spam@example.com"]
        assert "GTUBE" in marked.header("X-mailmill-MailScanner-SpamCheck")
