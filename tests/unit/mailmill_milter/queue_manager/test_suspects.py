from mailmill.outcomes import ScanFailed, Scanned


def fail(bench, mail_id, *, alone, attempts=0, reason="process died"):
    bench.manager.outcomes([ScanFailed(mail_id, reason, alone=alone, attempts=attempts)])
    bench.turn()


def sent(bench):
    tasks, bench.tasks.sent = bench.tasks.sent, []
    return tasks


def test_the_messages_of_a_batch_whose_process_died_go_again_at_once_each_alone(bench):
    ids = [bench.accept() for _ in range(20)]
    bench.turn()
    sent(bench)
    bench.manager.outcomes(ScanFailed(mail_id, "process died", alone=False, attempts=0) for mail_id in ids)
    bench.turn()
    assert sorted(sent(bench)) == sorted(("scan", "edge1", (mail_id,)) for mail_id in ids)
    assert bench.states(bench.incoming) == {"active": set(ids)}


def test_other_messages_still_go_together(bench):
    suspects = [bench.accept() for _ in range(20)]
    bench.turn()
    sent(bench)
    others = [bench.accept() for _ in range(20)]
    bench.manager.outcomes(ScanFailed(m, "process died", alone=False, attempts=0) for m in suspects)
    bench.turn()
    batches = [task[2] for task in sent(bench)]
    assert all(len(batch) == 1 for batch in batches if set(batch) & set(suspects))
    assert sorted(m for batch in batches for m in batch) == sorted(suspects + others)
    assert max(len(batch) for batch in batches) > 1


def test_a_scan_that_fails_alone_is_tried_later_and_then_alone(bench):
    mail_id = bench.accept()
    bench.turn()
    sent(bench)
    fail(bench, mail_id, alone=True, attempts=1)
    assert sent(bench) == []
    assert bench.states(bench.incoming) == {"deferred": {mail_id}}
    assert "attempt 1 of 3: process died" in bench.sink.events[-1].detail
    other = bench.accept()
    bench.clock.now += 10
    bench.turn()
    assert {task[2] for task in sent(bench)} == {(mail_id,), (other,)}


def test_a_message_is_given_up_on_after_the_last_attempt_with_its_evidence(bench):
    mail_id = bench.accept()
    bench.turn()
    for attempt in (1, 2):
        fail(bench, mail_id, alone=True, attempts=attempt)
        bench.clock.now += 400
        bench.turn()
    sent(bench)
    fail(bench, mail_id, alone=True, attempts=3, reason="killed during clamd")
    evidence = "no scan came to an end in 3 attempts; the last: killed during clamd"
    assert sent(bench) == [("give up", "edge1", mail_id, evidence)]
    bench.manager.outcomes([Scanned(mail_id, ())])
    assert bench.states(bench.incoming) == {}


def test_the_edge_counts_itself_when_redis_has_forgotten(bench):
    mail_id = bench.accept()
    bench.turn()
    for _ in range(2):
        fail(bench, mail_id, alone=True, attempts=1)
        bench.clock.now += 400
        bench.turn()
    sent(bench)
    fail(bench, mail_id, alone=True, attempts=1)
    assert [task[0] for task in sent(bench)] == ["give up"]


def test_an_edge_that_was_restarted_goes_by_the_count_in_redis(bench):
    mail_id = bench.accept()
    bench.turn()
    sent(bench)
    fail(bench, mail_id, alone=True, attempts=3)
    assert [task[0] for task in sent(bench)] == ["give up"]


def test_deaths_in_company_never_count(bench):
    mail_id = bench.accept()
    bench.turn()
    for _ in range(10):
        fail(bench, mail_id, alone=False)
    assert {task[0] for task in sent(bench)} == {"scan"}


def test_giving_up_is_asked_for_again_when_the_broker_was_away(bench):
    mail_id = bench.accept()
    bench.turn()
    sent(bench)
    bench.tasks.down = True
    fail(bench, mail_id, alone=True, attempts=3)
    assert bench.states(bench.incoming) == {"active": {mail_id}}
    bench.tasks.down = False
    bench.clock.now += 5
    bench.turn()
    assert [task[0] for task in sent(bench)] == ["give up"]
