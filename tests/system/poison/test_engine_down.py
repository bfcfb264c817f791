"""An engine that is down or hangs: its mail waits, other mail does not, and nothing passes as clean."""

import socket

import pytest

pytestmark = pytest.mark.system


@pytest.fixture
def rules(server_dir):
    path = server_dir / "virus.scanning.rules"
    path.write_text("To: free*@example.com no\nFromOrTo: default yes\n")
    return str(path)


def test_mail_that_needs_a_dead_engine_waits_for_it_and_other_mail_does_not(make_rig, rules):
    rig = make_rig(Virus_Scanning=rules)
    rig.clamd.close()
    for number in range(20):
        rig.accept(f"waits{number}")
        rig.accept(f"free{number}")
    rig.start()
    rig.wait_until(lambda: len(rig.arrived()) >= 20)
    assert set(rig.arrived()) == {f"free{number}" for number in range(20)}
    rig.wait_until(lambda: rig.log("deferred for"))
    rig.open_clamd()
    rig.wait_until_empty()
    assert rig.arrived() == dict.fromkeys(rig.sent, 1)
    assert rig.quarantined() == set()
    for message in rig.relay.mailbox.messages():
        scanned = not message.recipient.startswith("free")
        assert (message.header("X-mailmill-MailScanner") == "Found to be clean") == scanned


def test_mail_that_does_not_need_a_hanging_engine_arrives_while_it_hangs(make_rig, rules):
    rig = make_rig(Virus_Scanning=rules, Virus_Scanner_Timeout="10", Scan_Time_Limit="60")
    rig.clamd.close()
    with socket.socket(socket.AF_UNIX) as deaf:
        deaf.bind(str(rig.clamd.path))
        deaf.listen(1000)
        for number in range(150):
            rig.accept(f"waits{number}")
            rig.accept(f"free{number}")
        rig.start()
        rig.wait_until(lambda: len(rig.arrived()) >= 150)
        assert set(rig.arrived()) == {f"free{number}" for number in range(150)}
    rig.open_clamd()
    rig.wait_until_empty()
    assert rig.arrived() == dict.fromkeys(rig.sent, 1)


@pytest.mark.parametrize(
    ("policy", "arrives", "verdict"), [("pass", True, "Not fully scanned"), ("quarantine", False, "")]
)
def test_the_policy_for_a_dead_engine_decides_and_is_visible(make_rig, policy, arrives, verdict):
    rig = make_rig(Virus_Scanner_Failure=policy)
    rig.clamd.close()
    mail_id = rig.accept("somebody")
    rig.start()
    rig.wait_until_empty()
    assert ("somebody" in rig.arrived()) == arrives
    assert rig.quarantined() == (set() if arrives else {mail_id})
    if arrives:
        (message,) = rig.relay.mailbox.messages()
        assert message.header("X-mailmill-MailScanner").startswith(verdict)
    else:
        (notice,) = rig.notices()
        assert "scanner failed" in notice
