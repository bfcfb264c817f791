"""A message that no scan survives, among three hundred that are innocent."""

import pytest

pytestmark = pytest.mark.system

GOOD = 300


def fill(rig, culprit):
    """Good messages in the spool with a bad one, made by `culprit`, in their midst."""
    for number in range(GOOD // 2):
        rig.accept(f"good{number}")
    bad = culprit()
    for number in range(GOOD // 2, GOOD):
        rig.accept(f"good{number}")
    return bad


def check(rig, bad, *evidence):
    """All good ones arrived once; the bad one is in the quarantine, and the postmaster was told why."""
    arrived = rig.arrived()
    good = [f"good{number}" for number in range(GOOD)]
    odd = {name: (arrived[name], rig.log(rig.sent[name])) for name in good if arrived[name] != 1}
    assert odd == {}
    assert rig.quarantined() == {bad}
    (notice,) = rig.notices()
    assert "poison message" in notice
    assert bad in notice
    for text in evidence:
        assert text in notice


@pytest.mark.parametrize(
    ("order", "evidence"),
    [
        ("SIGKILL", "signal 9 (SIGKILL)"),
        ("SIGSEGV", "signal 11 (SIGSEGV)"),
        ("SIGABRT", "signal 6 (SIGABRT)"),
    ],
)
def test_a_message_that_kills_its_process_is_quarantined_and_its_neighbours_arrive(make_rig, order, evidence):
    rig = make_rig()
    bad = fill(rig, lambda: rig.accept("bad", f"X-Order: {order}\n".encode()))
    rig.start()
    rig.wait_until_empty()
    check(rig, bad, "3 attempts", evidence, "clamd")
    assert len([order for order, _ in rig.clamd.victims]) <= 3 + 1


def test_a_message_that_stops_its_process_is_killed_at_the_time_limit(make_rig):
    rig = make_rig(Maximum_Processing_Attempts="2")
    bad = fill(rig, lambda: rig.accept("bad", b"X-Order: SIGSTOP\n"))
    rig.start()
    rig.wait_until_empty()
    check(rig, bad, "2 attempts", "killed after Scan Time Limit (6 s)", "clamd")


def test_an_expression_that_explodes_elsewhere_holds_nothing_up(make_rig, server_dir):
    rules = server_dir / "filename.rules.conf"
    rules.write_text("deny\t^(a+)+$\tendless\tendless\n")
    rig = make_rig(Filename_Rules=str(rules))
    name = b"a" * 60 + b"b"
    attachment = b'Content-Disposition: attachment; filename="' + name + b'"\n'
    rig.accept("odd", attachment)
    denied = rig.accept("denied", attachment.replace(b'b"', b'"'))
    rig.start()
    rig.wait_until_empty()
    assert rig.arrived()["odd"] == 1
    assert rig.quarantined() == {denied}
    assert rig.log("killed after") == []


def test_a_message_that_gets_no_memory_fails_alone(make_rig):
    rig = make_rig(Maximum_Processing_Attempts="2")
    bad = fill(rig, lambda: rig.accept("bad", b"X-Order: starve\n", b"x" * 20_000_000 + b"\n"))
    rig.start()
    rig.wait_until_empty()
    check(rig, bad, "2 attempts")


def test_a_message_that_takes_more_memory_than_the_limit_fails_and_the_machine_does_not(make_rig):
    rig = make_rig(Maximum_Processing_Attempts="2", Scan_Memory_Limit="300m")
    bad = fill(rig, lambda: rig.accept("bad", b"", b"x" * 90_000_000 + b"\n"))
    rig.start()
    rig.wait_until_empty()
    check(rig, bad, "2 attempts")


def test_a_message_that_takes_the_whole_worker_along_is_quarantined_all_the_same(make_rig):
    rig = make_rig(Maximum_Processing_Attempts="2")
    # A suspect in another process of a worker that dies again gets an attempt that it may not deserve.
    rig.processes = 1
    bad = fill(rig, lambda: rig.accept("bad", b"X-Order: kill all\n"))
    rig.start()
    for deaths in (1, 2, 3):  # with its neighbours, then twice alone
        rig.wait_until(lambda wanted=deaths: len(rig.clamd.victims) >= wanted)
        rig.servers["scan"].stop()
        rig.start("scan")
    rig.wait_until_empty()
    check(rig, bad, "2 attempts", "nothing heard of the worker", "clamd")
