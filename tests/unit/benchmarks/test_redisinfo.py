from benchmarks.redisinfo import parse


def info(commands, gets, **more):
    return {
        "total_commands_processed": commands,
        "total_net_input_bytes": 10 * commands,
        "total_net_output_bytes": 20 * commands,
        "cmdstat_get": {"calls": gets, "usec": 1},
        "instantaneous_ops_per_sec": 3,
        **more,
    }


def test_only_what_was_added_counts():
    before = parse(info(5, 2, cmdstat_ping={"calls": 1}))
    after = parse(info(25, 12, cmdstat_ping={"calls": 1}, cmdstat_set={"calls": 4}))
    added = after.since(before)
    assert (added.commands, added.received, added.sent) == (20, 200, 400)
    assert added.calls == {"get": 10, "set": 4}
    assert added.top(1, 4) == "get 2.5"
