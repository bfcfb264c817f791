"""A relay that is out: its breaker opens for all, nothing spins, and what waited goes by itself then."""

import time

import pytest
import redis

from mailmill.keys import RELAY_HELD
from mailmill_local.load import Letter
from mailmill_local.probes import wait_until
from watched_relay import WatchedRelay

pytestmark = pytest.mark.system

#: Letters of each test.
COUNT = 60
#: Tries of the relay that are few: 5 open the breaker (some more are under way then), then there are probes.
FEW = 5 + 20 + 4


@pytest.fixture
def watched():
    relay = WatchedRelay()
    yield relay
    relay.down()


@pytest.fixture
def begin(start, watched):
    def begin(name, **options):
        def changes(ports, directory):
            watched.upstream = ports.relay_qmqp
            return {"MSMail Relay Port": str(watched.port), **options}

        return start(name, changes=changes)

    return begin


def letters(prefix):
    return [
        Letter(
            "sender@example.org",
            (f"{prefix}{number:03}@example.com",),
            b"From: sender@example.org\nSubject: %d\nMessage-ID: <%s%d@example.org>\n\nhello\n"
            % (number, prefix.encode(), number),
        )
        for number in range(COUNT)
    ]


def held(running):
    with redis.Redis(port=running.system.ports.redis) as client:
        return client.exists(RELAY_HELD)


def waits_in_outgoing(running):
    return sum(
        len(list((running.system.places.outgoing / state).iterdir())) for state in ("active", "deferred")
    )


def test_a_relay_that_hangs_up_is_left_alone_and_gets_everything_when_it_is_back(begin, watched):
    def hang_up(seen):
        raise ConnectionError

    watched.arrived = hang_up
    watched.up()
    running = begin("out")
    assert all(answer.accepted for answer in running.send(letters("out")))
    assert wait_until(lambda: held(running) and waits_in_outgoing(running) == COUNT, 40)
    scanned = sum("clean" in line for line in running.lines)
    before = watched.connections
    time.sleep(12)
    # Probes at 5 s and 10 s, one submission each, and no second scan.
    assert watched.connections - before <= 4
    assert watched.connections <= FEW
    assert sum("clean" in line for line in running.lines) == scanned
    watched.arrived = lambda seen: None
    running.wait_until_empty(120)
    arrived = running.arrived()
    assert {len(copies) for copies in arrived.values()} == {1}
    assert len(arrived) == COUNT


def test_the_other_relay_gets_the_mail_of_one_that_is_out(begin, watched):
    running = begin("other")
    ports = running.system.ports
    # The watched relay is never up: connections to it are refused. The second address works.
    conf = running.system.places.conf
    text = conf.read_text()
    conf.write_text(f"{text}MSMail Relay Address = 127.0.0.1:{watched.port} 127.0.0.1:{ports.relay_qmqp}\n")
    running.system.deliver.stop()
    running.system.deliver.start()
    running.system.deliver.wait_healthy()
    assert all(answer.accepted for answer in running.send(letters("other")))
    running.wait_until_empty(60)
    assert len(running.arrived()) == COUNT
    assert not held(running)
