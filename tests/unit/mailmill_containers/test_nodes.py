from __future__ import annotations

import pytest
import redis

from mailmill_containers.nodes import SILENCE, healthy, talks_to_redis


class Client:
    """A Redis that knows these connections; the first is the one that asks."""

    def __init__(self, *connections: tuple[str, int], up: bool = True, subscribed: int = 0) -> None:
        self._connections = connections
        self._up = up
        self._subscribed = str(subscribed)
        self.closed = False

    def client_id(self) -> int:
        if not self._up:
            raise redis.ConnectionError("refused")
        return 1

    def client_list(self) -> list[dict[str, str]]:
        return [
            {"id": str(number), "addr": addr, "idle": str(idle), "sub": "0", "psub": self._subscribed}
            for number, (addr, idle) in enumerate(self._connections, start=1)
        ]

    def close(self) -> None:
        self.closed = True


def test_a_process_of_this_host_that_asks_redis_is_healthy() -> None:
    client = Client(("10.0.0.5:4000", 0), ("10.0.0.5:4001", SILENCE - 1), ("10.0.0.6:1", 0))
    assert talks_to_redis(client)
    assert client.closed


@pytest.mark.parametrize(
    "client",
    [
        Client(("10.0.0.5:4000", 0)),
        Client(("10.0.0.5:4000", 0), ("10.0.0.6:4001", 0)),
        Client(("10.0.0.5:4000", 0), ("10.0.0.5:4001", SILENCE)),
        Client(("10.0.0.5:4000", 0), ("10.0.0.5:4001", 0), subscribed=1),
        Client(up=False),
    ],
    ids=["nobody else", "another host", "silent", "only listens", "no Redis"],
)
def test_it_is_not_healthy_when(client: Client) -> None:
    assert not talks_to_redis(client)
    assert client.closed


def test_an_unknown_service_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="no service milters"):
        healthy("milters")
