"""What a message costs each part: measured, and kept in `costs.json`."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct

#: The costs that the page is written with.
COSTS: Final = Path(__file__).with_name("costs.json")


class Cost(Struct, frozen=True, forbid_unknown_fields=True):
    """Milliseconds of processor of one part."""

    #: For each message.
    message: float
    #: For each task, which has a batch of messages.
    task: float = 0.0
    #: Once, before the first message.
    start: float = 0.0

    def seconds(self, messages: int) -> float:
        """Return the seconds of processor that a task with so many messages costs."""
        return (self.task + messages * self.message) / 1000

    def spread(self, messages: int, afterwards: float) -> tuple[float, float]:
        """Return the seconds before the messages are handed on and after it."""
        after = afterwards * self.task / 1000
        return self.seconds(messages) - after, after


class Engine(Struct, frozen=True, forbid_unknown_fields=True):
    """What an engine adds to each message."""

    #: Milliseconds of processor of the engine itself.
    processor: float = 0.0
    #: Milliseconds of processor more in the scan process that asks it.
    scan: float = 0.0
    #: Milliseconds in which it uses no processor.
    wait: float = 0.0
    #: It looks into one message after the other, so that each goes on by itself.
    alone: bool = False


class Costs(Struct, frozen=True, forbid_unknown_fields=True):
    """All parts."""

    #: What the figures were taken from.
    source: str
    postfix: Cost
    milter: Cost
    queue_manager: Cost
    scan: Cost
    deliver: Cost
    relay: Cost
    redis: Cost
    recorder: Cost
    engines: dict[str, Engine]
    #: Redis commands of a message, those of scripts included.
    redis_commands: float
    #: Bytes that Redis gets and sends for a message.
    redis_received: float
    redis_sent: float
    #: Mean size of a message in bytes.
    message_bytes: float
    #: Milliseconds that pass, without processor, each time one part hands a task to another.
    hand_over: float
    #: The share of what a task costs scan and deliver that they spend when its messages have gone on already.
    afterwards: float
    #: Milliseconds, without processor, from the relay's answer until the edge lets the next message go.
    ending: float
    #: Small files a second that a disk makes durable, one after the other.
    durable_files: float
    #: Messages a second that a disk makes durable when they are appended to one file, each with a sync.
    durable_appends: float


def load(path: Path = COSTS) -> Costs:
    """Read costs from a file.

    Raises:
        msgspec.ValidationError: they are no costs.
        OSError: they cannot be read.
    """
    return msgspec.json.decode(path.read_bytes(), type=Costs)


def save(costs: Costs, path: Path) -> None:
    """Write costs into a file."""
    path.write_bytes(msgspec.json.format(msgspec.json.encode(costs), indent=1) + b"\n")
