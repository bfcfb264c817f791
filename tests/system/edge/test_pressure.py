"""Back-pressure over the milter protocol and through a real Postfix."""

from __future__ import annotations

import os
import time

import pytest
from miltertest import constants as c

from mailmill.drainflag import begin_drain, end_drain
from mailmill.spool import State
from milter_mta import Mta
from milter_server import MilterServer, wait_for

pytestmark = [pytest.mark.system, pytest.mark.usefixtures("milter_library")]


def talk(server):
    with Mta(server.socket) as mta:
        mta.connect()
        mta.helo()
        return mta.message()


def test_a_connection_that_begins_at_a_closed_gate_is_refused_at_mail(server_dir):
    with MilterServer(server_dir, Milter_Max_Spool_Messages="1") as server:
        (server.spool.root / State.ACTIVE / "one").touch()
        with Mta(server.socket) as mta:
            assert not mta.protocol & c.SMFIP_NR_MAIL
            mta.connect()
            mta.helo()
            assert mta.mail("<a@example.org>") == "451 4.3.1 too many messages wait in the mail spool"
            (server.spool.root / State.ACTIVE / "one").unlink()
            wait_for(lambda: mta.message() == "discard", "room again, on the same connection")


def test_a_connection_that_began_at_an_open_gate_is_refused_at_the_end_of_the_message(server_dir):
    with MilterServer(server_dir) as server, Mta(server.socket) as mta:
        mta.connect()
        mta.helo()
        assert mta.mail("<a@example.org>") == ""
        mta.abort()
        begin_drain(server.spool.root)
        wait_for(lambda: mta.message().startswith("451 4.3.2 "), "the drain")
        assert len(server.files()) == len(server.messages())


def test_a_drained_edge_stays_so_across_a_restart_until_it_is_switched_back(server_dir):
    with MilterServer(server_dir) as server:
        begin_drain(server.spool.root)
    with MilterServer(server_dir) as server:
        assert talk(server).startswith("451 4.3.2 ")
        end_drain(server.spool.root)
        wait_for(lambda: talk(server) == "discard", "mail is taken again")


def test_a_message_that_waits_for_too_long_closes_the_gate(server_dir):
    with MilterServer(server_dir, Milter_Max_Spool_Age="1h") as server:
        path = server.spool.root / State.ACTIVE / "old"
        path.touch()
        os.utime(path, (time.time() - 3700,) * 2)
        wait_for(lambda: talk(server) == "451 4.3.1 mail waits for too long in the mail spool", "the limit")
        path.unlink()
        wait_for(lambda: talk(server) == "discard", "room again")


def test_bytes_of_the_outgoing_queue_close_the_gate(server_dir):
    with MilterServer(server_dir, Milter_Max_Spool_Bytes="100k") as server:
        (server_dir / "out" / State.DEFERRED / "big").write_bytes(b"x" * 100_000)
        assert talk(server) == "451 4.3.1 the mail spool is full"
