import contextlib

import pytest
import redis
from kombu.transport.redis import Channel

from mailmill.app import app
from mailmill.brokerslots import FreeingQoS


class Gone:
    """A channel whose Redis does not answer."""

    do_restore = False

    def conn_or_acquire(self, client=None):
        raise redis.TimeoutError("Timeout reading from socket")


@pytest.mark.parametrize(
    "end",
    [
        lambda qos: qos.ack("tag"),
        lambda qos: qos.reject("tag"),
        lambda qos: qos.reject("tag", requeue=True),
    ],
)
def test_a_task_that_cannot_be_acknowledged_leaves_its_place_to_the_next_one(end):
    qos = FreeingQoS(Gone(), prefetch_count=1)
    qos._delivered["tag"] = object()
    assert not qos.can_consume()
    with pytest.raises(redis.TimeoutError):
        end(qos)
    assert qos.can_consume()


class Full:
    """A channel whose Redis is at its memory limit."""

    do_restore = False
    unacked_mutex_key, unacked_mutex_expire = "mutex", 10

    @contextlib.contextmanager
    def conn_or_acquire(self, client=None):
        yield self

    def lock(self, name, timeout):
        return self

    def acquire(self, *, blocking):
        raise redis.OutOfMemoryError("command not allowed when used memory > 'maxmemory'.")


def test_a_sweep_that_a_full_redis_refuses_does_not_end_the_consumer():
    channel = Full()
    channel.visibility_timeout = 10
    FreeingQoS(channel).restore_visible()


def test_the_application_counts_places_so():
    assert app.main == "mailmill"
    assert Channel.QoS is FreeingQoS
