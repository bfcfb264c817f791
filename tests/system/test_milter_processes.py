"""The milter's processes: binding, users, restarts, and ends that lose nothing."""

from __future__ import annotations

import os
import pwd
import signal
import socket
import stat
from pathlib import Path

import pytest

from mailmill_local.probes import free_port
from mailmill_milter.session import SPILL
from milter_mta import Mta
from milter_server import MilterServer, wait_for

pytestmark = [pytest.mark.system, pytest.mark.usefixtures("milter_library")]


def refused(server, status: int = 78) -> str:
    """Return the log of a milter that must not start; it ends with `status`."""
    server.start(wait=False)
    assert server.wait() == status
    return server.log


@pytest.mark.parametrize("bind", ["127.0.0.1", "::1"])
def test_it_listens_on_an_inet_address(server_dir, bind):
    port = free_port()
    server = MilterServer(server_dir, Milter_Bind=bind, Milter_Port=str(port))
    with server, Mta((bind, port)) as mta:
        mta.connect()
        assert [mta.message() for _ in range(2)] == ["discard"] * 2
        assert len(server.messages()) == 2


@pytest.mark.parametrize("where", ["inet", "unix"])
def test_an_address_in_use_ends_it_with_a_reason(server_dir, where):  # B27
    port = free_port()
    options = {"Milter_Bind": "127.0.0.1", "Milter_Port": str(port)} if where == "inet" else {}
    with MilterServer(server_dir, **options):
        other = server_dir / "other"
        other.mkdir()
        second = MilterServer(other, **({"Milter_Bind": str(server_dir / "milter.sock")} | options))
        log = refused(second, 75)
    assert "Milter Bind" in log
    assert "cannot listen on" in log
    assert "Address already in use" in log


@pytest.mark.parametrize(
    ("bind", "reason", "status"),
    [
        ("/no/such/directory/milter.sock", "No such file or directory", 78),
        ("localhost", "must be an IP address or a path", 78),
        ("203.0.113.1", "Cannot assign requested address", 75),
    ],
)
def test_an_address_that_cannot_be_bound_ends_it_with_a_reason(server_dir, bind, reason, status):  # B27
    log = refused(MilterServer(server_dir, Milter_Bind=bind), status)
    assert "Milter Bind" in log
    assert bind in log
    assert reason in log
    assert "Traceback" not in log


def test_a_file_in_the_place_of_the_socket_is_not_removed(server_dir):
    (server_dir / "milter.sock").write_text("precious")
    assert "not a socket" in refused(MilterServer(server_dir))
    assert (server_dir / "milter.sock").read_text() == "precious"


def test_the_socket_of_a_killed_milter_is_replaced(server_dir):
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as stale:
        stale.bind(str(server_dir / "milter.sock"))
    with MilterServer(server_dir) as server, Mta(server.socket) as mta:
        mta.connect()
        assert mta.message() == "discard"


def test_the_unix_socket_has_the_mode_that_was_asked_for_and_goes_with_its_owner(server_dir):
    with MilterServer(server_dir, Milter_Socket_Permissions="0666") as server:
        assert stat.S_IMODE(server.socket.stat().st_mode) == 0o666
    assert not server.socket.exists()


def test_it_runs_as_another_user_with_the_groups_of_that_user(server_dir, require):
    require(root=True)
    user = pwd.getpwnam("mail")
    with MilterServer(server_dir, Run_As_User="mail", Milter_Socket_Group="nogroup") as server:
        for pid in (server.parent, *server.children):
            lines = Path(f"/proc/{pid}/status").read_text().splitlines()
            status = dict(line.split(":\t", 1) for line in lines if ":\t" in line)
            assert status["Uid"].split() == [str(user.pw_uid)] * 4
            assert status["Gid"].split() == [str(user.pw_gid)] * 4
            assert set(map(int, status["Groups"].split())) == set(os.getgrouplist("mail", user.pw_gid))
        assert server.socket.stat().st_uid == user.pw_uid
        assert server.socket.group() == "nogroup"
        with Mta(server.socket) as mta:
            mta.connect()
            assert mta.message() == "discard"
            assert mta.message(body=b"x" * (SPILL + 1000)) == "discard"
        root = server.spool.root
        files = [*root.glob("active/*"), *root.glob("intake/*/*")]
        assert {path.parent.name for path in files} == {"active", "log", "arrived"}
        assert {path.owner() for path in files} == {"mail"}
        assert {stat.S_IMODE(path.stat().st_mode) & 0o077 for path in files} == {0}


def test_queue_directories_of_another_user_are_named(server_dir, require):
    require(root=True)
    MilterServer(server_dir).__enter__().stop()
    log = refused(MilterServer(server_dir, Run_As_User="mail"))
    assert f"Incoming Queue Dir: {server_dir}/in belongs to uid 0" in log


def test_a_killed_child_is_replaced(server_dir):
    with MilterServer(server_dir, Milter_Max_Children="1") as server:
        (first,) = server.children
        with Mta(server.socket) as mta:
            mta.connect()
            mta.message()
            os.kill(first, signal.SIGKILL)
        wait_for(lambda: server.children not in ([], [first]), "a new child")
        assert "was killed by SIGKILL" in server.log
        with Mta(server.socket) as mta:
            mta.connect()
            assert mta.message() == "discard"
        assert len(server.messages()) == 2


def test_a_child_killed_within_a_message_leaves_nothing_that_looks_accepted(server_dir):  # B6
    with MilterServer(server_dir, Milter_Max_Children="1") as server:
        with Mta(server.socket) as mta:
            mta.connect()
            mta.mail("<a@example.org>")
            mta.rcpt("<b@example.net>")
            mta.end_of_headers()
            for _ in range(40):
                mta.body(b"x" * 65_535)
            wait_for(server.files, "a file that is being written")
            os.kill(server.children[0], signal.SIGKILL)
            with pytest.raises((OSError, Exception)):
                mta.end_of_message()
        assert [name.partition("/")[0] for name in server.files()] == ["incoming"]


def test_stopping_lets_the_message_in_hand_end(server_dir):
    server = MilterServer(server_dir, Debug="yes").start()
    with Mta(server.socket) as mta:
        mta.connect()
        mta.mail("<a@example.org>")
        mta.rcpt("<b@example.net>")
        wait_for(lambda: ": rcpt " in server.log, "the recipient")
        os.kill(server.parent, signal.SIGTERM)
        wait_for(lambda: "stopping" in server.log, "the stop")
        mta.header("Subject", " x")
        mta.end_of_headers()
        mta.body(b"y\r\n")
        assert mta.end_of_message() == "discard"
        assert server.wait() == 0
    assert len(server.messages()) == 1


def test_stopping_does_not_wait_for_idle_connections(server_dir):
    server = MilterServer(server_dir).start()
    with Mta(server.socket) as mta:
        mta.connect()
        mta.message()
        assert server.stop() == 0


def test_every_message_acknowledged_before_a_stop_is_there(server_dir):
    server = MilterServer(server_dir).start()
    acknowledged = 0
    with Mta(server.socket) as one, Mta(server.socket) as two:
        one.connect()
        two.connect()
        try:
            for number in range(10_000):
                if number == 50:
                    os.kill(server.parent, signal.SIGTERM)
                acknowledged += (one, two)[number % 2].message() == "discard"
        except Exception:  # noqa: BLE001, S110 - the protocol client has its own errors for a lost connection
            pass
    assert server.wait() == 0
    assert 50 <= acknowledged <= len(server.messages()) <= acknowledged + 1


def test_children_end_with_a_parent_that_was_killed(server_dir):
    server = MilterServer(server_dir).start()
    children = server.children
    os.kill(server.parent, signal.SIGKILL)
    server.process.wait(30)
    wait_for(lambda: not any(Path(f"/proc/{pid}").exists() for pid in children), "the children's end")
    with MilterServer(server_dir) as again, Mta(again.socket) as mta:
        mta.connect()
        assert mta.message() == "discard"


def test_an_interrupt_stops_it_as_well(server_dir):
    server = MilterServer(server_dir).start()
    os.kill(server.parent, signal.SIGINT)
    assert server.wait() == 0
