"""A Redis that stands still for longer than anybody's patience: what failed meanwhile comes back soon."""

import threading
import time
from signal import SIGCONT, SIGSTOP

import pytest

from mailmill_local.load import Letter
from mailmill_local.probes import wait_until

pytestmark = pytest.mark.system

#: Seconds for which Redis says nothing: sockets give up after 15 s.
AWAY = 40.0
#: Seconds in which all must have ended afterwards; `Message Lease` would be 15 minutes.
SOON = 150.0
COUNT = 120


def test_mail_in_flight_while_redis_stands_still_is_not_left_to_its_lease(start):
    running = start("away")
    letters = [
        Letter(
            "sender@example.org",
            (f"away{number:03}@example.com",),
            b"From: sender@example.org\nSubject: %d\nMessage-ID: <away%d@example.org>\n\nhello\n"
            % (number, number),
        )
        for number in range(COUNT)
    ]
    answers = []
    sender = threading.Thread(target=lambda: answers.extend(running.send(letters, connections=2)))
    sender.start()
    assert wait_until(lambda: len(running.arrived()) >= 10, 60)
    redis = running.system.redis.process
    redis.signal_group(SIGSTOP)
    try:
        time.sleep(AWAY)
    finally:
        redis.signal_group(SIGCONT)
    sender.join()
    assert all(answer.accepted for answer in answers)
    running.wait_until_empty(SOON)
    arrived = running.arrived()
    assert len(arrived) == COUNT
    assert {len(copies) for copies in arrived.values()} == {1}
