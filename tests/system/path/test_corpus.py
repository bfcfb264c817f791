import base64
import subprocess
import threading
import time
from signal import SIGKILL

import dkim
import pytest
import redis

from mailmill_local.load import Letter

pytestmark = pytest.mark.system


def check_all_arrived_unaltered(running, answers):
    """Every accepted letter is in the inbox or in quarantine; returns the recipients who got it twice."""
    assert [answer for answer in answers if not answer.accepted] == []
    arrived = running.arrived()
    quarantined = running.quarantined()
    queue_ids = {answer.text.rsplit(" ", 1)[-1]: answer.letter for answer in answers}
    stopped = {
        queue_ids[name.partition("-")[2]].recipients[0]
        for name in quarantined
        if name.partition("-")[2] in queue_ids
    }
    missing = {a.letter.recipients[0] for a in answers} - arrived.keys() - stopped
    assert missing == set()
    assert stopped & arrived.keys() == set()
    for answer in answers:
        for copy in arrived.get(answer.letter.recipients[0], []):
            # Postfix makes a blank of each stray CR before any milter sees it (cleanup_replace_stray_cr_lf).
            assert copy.body == answer.letter.body.replace(b"\r", b" ")
    return {recipient for recipient, copies in arrived.items() if len(copies) > 1}


def test_500_real_messages_over_10_connections_arrive_exactly_once(running, letters):
    answers = running.send(letters(500, "once"))
    running.wait_until_empty()
    assert check_all_arrived_unaltered(running, answers) == set()


def test_kills_and_a_flushed_redis_in_the_middle_cost_nothing_but_time(start, letters):
    running = start("faults")
    system = running.system
    answers = []
    sender = threading.Thread(target=lambda: answers.extend(running.send(letters(500, "fault", seed=2))))
    sender.start()
    wait_for_arrivals(running, 20)
    for server in (system.scan, system.queue_manager):
        server.process.signal_group(SIGKILL)
        server.stop()
        server.start()
    wait_for_arrivals(running, 60)
    with redis.Redis(port=system.ports.redis) as client:
        client.flushall()
    for server in (system.scan, system.queue_manager):
        server.wait_healthy()
    sender.join()
    running.wait_until_empty()
    check_all_arrived_unaltered(running, answers)


def wait_for_arrivals(running, count):
    deadline = time.monotonic() + 60
    while len(running.arrived()) < count:
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_strict_dkim_signature_still_verifies(running, dkim_key):
    message = (
        b"From:  sender@example.org\r\n"
        b"Subject:no space,\r\n\ta tab and   many blanks  \r\n"
        b"To: dkim@example.com\r\n"
        b"Date: Sun, 22 Nov 2026 12:00:00 +0000\r\n"
        b"Message-ID: <strict@example.org>\r\n"
        b"X-Folded: one\r\n two\r\n\tthree\r\n"
        b"\r\n"
        b".a line that begins with a dot\r\n"
        b"trailing blanks   \r\n"
        b"gr\xc3\xbc\xc3\x9fe\r\n"
        b"\r\n\r\n"
    )
    private, record = dkim_key
    signature = dkim.sign(
        message,
        b"test",
        b"example.org",
        private,
        canonicalize=(b"simple", b"simple"),
        include_headers=[b"from", b"subject", b"to", b"date", b"message-id", b"x-folded"],
    )
    letter = Letter(
        "sender@example.org", ("dkim@example.com",), (signature + message).replace(b"\r\n", b"\n")
    )
    (answer,) = running.send([letter])
    assert answer.accepted
    running.wait_until_empty()
    (copy,) = running.arrived()["dkim@example.com"]
    assert copy.header("X-mailmill-MailScanner") == "Found to be clean"
    assert dkim.verify(copy.data.replace(b"\n", b"\r\n"), dnsfunc=lambda name, timeout=5: record)
    altered = copy.data.replace(b"no space", b"a space")
    assert not dkim.verify(altered.replace(b"\n", b"\r\n"), dnsfunc=lambda name, timeout=5: record)


@pytest.fixture(scope="module")
def dkim_key(tmp_path_factory):
    """A private key and the TXT record of its public half, made by openssl for this run."""
    private = subprocess.run(
        ["openssl", "genrsa", "-traditional", "2048"], check=True, capture_output=True
    ).stdout
    public = subprocess.run(
        ["openssl", "rsa", "-pubout", "-outform", "DER"], check=True, capture_output=True, input=private
    ).stdout
    return private, b"v=DKIM1; k=rsa; p=" + base64.b64encode(public)
