"""What Redis was asked and what went over its sockets, from two answers to INFO."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import redis

_STATISTICS: Final = ("total_commands_processed", "total_net_input_bytes", "total_net_output_bytes")
_CALLS: Final = "cmdstat_"


@dataclass(frozen=True)
class Traffic:
    """Counters since the start of the server, or what was added to them."""

    commands: int
    #: Bytes.
    received: int
    sent: int
    #: Calls by command; those that scripts make are among them.
    calls: Mapping[str, int]

    def since(self, before: Traffic) -> Traffic:
        """Return what was added since `before`."""
        calls = {name: count - before.calls.get(name, 0) for name, count in self.calls.items()}
        return Traffic(
            self.commands - before.commands,
            self.received - before.received,
            self.sent - before.sent,
            {name: count for name, count in calls.items() if count},
        )

    def top(self, count: int, messages: int) -> str:
        """Return the commands that were called most, with their calls per message."""
        most = sorted(self.calls.items(), key=lambda item: -item[1])[:count]
        return ", ".join(f"{name} {calls / messages:.2g}" for name, calls in most)


def parse(info: Mapping[str, Any]) -> Traffic:
    """Read the answer to INFO with its section commandstats, as redis-py gives it.

    Raises:
        KeyError: a counter is missing.
    """
    calls = {
        name.removeprefix(_CALLS): int(value["calls"])
        for name, value in info.items()
        if name.startswith(_CALLS)
    }
    commands, received, sent = (int(info[name]) for name in _STATISTICS)
    return Traffic(commands, received, sent, calls)


def ask(port: int) -> Traffic:
    """Ask the Redis at a loopback port."""
    with redis.Redis(port=port) as client:
        return parse({**client.info("stats"), **client.info("commandstats")})
