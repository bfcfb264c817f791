"""Redis at its memory limit: mail is accepted all the same, and arrives when there is room again."""

import time

import pytest
import redis

from mailmill_local.load import Letter
from mailmill_local.probes import wait_until

pytestmark = pytest.mark.system

#: Bytes of one of the large letters.
LARGE = 300_000
#: What Redis is given above what it uses when it is idle, in bytes: less than the large letters together.
ROOM = 12_000_000


@pytest.fixture
def client(running):
    with redis.Redis(port=running.system.ports.redis) as connection:
        yield connection
        connection.config_set("maxmemory", 0)
        connection.delete("ballast")


def used(client):
    return client.info("memory")["used_memory"]


def large(count, prefix):
    line = b"0123456789" * 7 + b"\n"
    body = line * (LARGE // len(line))
    return [
        Letter(
            "sender@example.org",
            (f"{prefix}{number:03}@example.com",),
            b"From: sender@example.org\nSubject: %d\nMessage-ID: <%s%d@example.org>\n\n"
            % (number, prefix.encode(), number)
            + body,
        )
        for number in range(count)
    ]


def all_arrived_once(running, answers, prefix):
    running.wait_until_empty()
    arrived = {name: copies for name, copies in running.arrived().items() if name.startswith(prefix)}
    assert {len(copies) for copies in arrived.values()} == {1}
    return len(arrived) == len(answers)


def test_more_mail_than_redis_can_hold_goes_through_it_bit_by_bit(running, client):
    client.config_set("maxmemory", used(client) + ROOM)
    answers = running.send(large(100, "more-"))
    assert all(answer.accepted for answer in answers)
    assert all_arrived_once(running, answers, "more-")


def test_a_redis_that_others_have_filled_stops_the_window_and_not_the_acceptance(running, client):
    client.set("ballast", b"x" * ROOM)
    client.connection_pool.disconnect()
    told = len(running.lines)
    # A task whose acknowledgement an earlier full Redis did not take is handed out again after a while.
    left = client.hlen("unacked")
    # The buffer that the ballast came in is given back some time later.
    assert wait_until(lambda: used(client) < 1.5 * ROOM, 30)
    client.config_set("maxmemory", int(used(client) / 0.9))
    assert wait_until(lambda: any("near its memory limit" in line for line in running.lines[told:]), 30)
    answers = running.send(large(20, "stop-"))
    assert all(answer.accepted for answer in answers)
    time.sleep(3)
    assert len(running.waiting()) == len(answers)
    assert client.llen("scan") == 0
    assert client.hlen("unacked") <= left
    client.delete("ballast")
    assert all_arrived_once(running, answers, "stop-")


def test_writes_that_are_refused_while_mail_is_in_flight_lose_nothing(running, client):
    answers = []
    for number in range(4):
        answers += running.send(large(25, f"full{number}-"))
        client.config_set("maxmemory", 1_000_000)
        answers += running.send(large(5, f"full{number}x-"))
        time.sleep(5)
        client.config_set("maxmemory", 0)
    assert all(answer.accepted for answer in answers)
    assert all_arrived_once(running, answers, "full")
