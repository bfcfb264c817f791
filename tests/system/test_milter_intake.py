"""Milter processes that die while they append to the intake, as a queue manager sees them."""

from __future__ import annotations

import os
import signal
import threading
import time

import pytest

from mailmill.mailids import queue_id_of
from mailmill.spool import Spool, State
from mailmill.spoolfile import unpack
from milter_mta import Mta
from milter_server import MilterServer, wait_for

pytestmark = [pytest.mark.system, pytest.mark.usefixtures("milter_library")]

SENDERS = 4
ROUNDS = 5
#: Large enough for a record to be cut off within its write.
BODY = b"0123456789abcde\r\n" * 30_000


class Sender(threading.Thread):
    """Sends messages over one connection until it breaks, and remembers what was acknowledged."""

    def __init__(self, server, prefix):
        super().__init__()
        self.sent, self.acknowledged = [], []
        self._server, self._prefix = server, prefix

    def run(self):
        try:
            with Mta(self._server.socket) as mta:
                mta.connect()
                for number in range(1000):
                    self.sent.append(f"4{self._prefix}{number:04}")
                    if mta.message(body=BODY, queue_id=self.sent[-1]) == "discard":
                        self.acknowledged.append(self.sent[-1])
        except Exception:  # noqa: BLE001, S110 - the protocol client has its own errors for a lost connection
            pass


def test_killed_children_lose_nothing_acknowledged_and_leave_nothing_half(server_dir):
    spool = Spool(server_dir / "in")
    found, acknowledged, sent, killed = [], set(), set(), set()
    with MilterServer(server_dir, Milter_Max_Children="1") as server:
        spool.intake.take_charge()
        for number in range(ROUNDS):
            (child,) = wait_for(lambda: [pid for pid in server.children if pid not in killed], "a child")
            senders = [Sender(server, f"{number}S{index}X") for index in range(SENDERS)]
            for sender in senders:
                sender.start()
            wait_for(lambda: sum(len(sender.acknowledged) for sender in senders) > SENDERS, "some mail")  # noqa: B023
            found += spool.intake.look()
            time.sleep(0.05 * number)
            os.kill(child, signal.SIGKILL)
            killed.add(child)
            for sender in senders:
                sender.join()
                acknowledged.update(sender.acknowledged)
                sent.update(sender.sent)
            found += spool.intake.look()
    found += spool.intake.look()
    names = [queue_id_of(name) for name in found]
    assert len(names) == len(set(names))
    assert acknowledged <= set(names) <= sent
    # What was cut off is in no state: not for a queue manager that begins now, either.
    again = Spool(spool.root)
    assert sorted(again.names(State.ACTIVE)) == sorted(found)
    assert {unpack(again.read_bytes(name, State.ACTIVE)).content[-16:] for name in found} == {
        BODY[-17:-2] + b"\n"
    }
    again.sweep()
    assert list(again.names(State.CORRUPT)) == []
