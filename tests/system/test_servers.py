"""The servers themselves: each starts in a private directory, answers, and leaves nothing running."""

from __future__ import annotations

import base64
import http.client
import smtplib
import socket
import struct
from collections.abc import Callable
from pathlib import Path

import pytest

from mailmill_local.memory import MemoryDirectory
from mailmill_local.probes import HOST, free_port, wait_until
from mailmill_local.process import Process
from mailmill_local.servers.base import ServerError
from mailmill_local.servers.clamd import Clamd
from mailmill_local.servers.edge import UNKNOWN_RECIPIENT, PostfixEdge
from mailmill_local.servers.redis import RedisServer
from mailmill_local.servers.relay import PostfixRelay
from mailmill_local.servers.rspamd import Rspamd
from mailmill_local.servers.spamd import Spamd

#: The fixture of conftest.py.
Require = Callable[..., None]

pytestmark = pytest.mark.system

#: The test patterns of EICAR and SpamAssassin, in base 64 so that this file is neither.
EICAR = base64.b64decode(
    "WDVPIVAlQEFQWzRcUFpYNTQoUF4pN0NDKTd9JEVJQ0FSLVNUQU5EQVJELUFOVElWSVJVUy1URVNULUZJTEUhJEgrSCo="
)
GTUBE = base64.b64decode(
    "WEpTKkM0SkRCUUFETjEuTlNCTjMqMklETkVOKkdUVUJFLVNUQU5EQVJELUFOVEktVUJFLVRFU1QtRU1BSUwqQy4zNFg="
)
SPAM = b"From: a@example.com\r\nTo: b@example.org\r\nSubject: x\r\n\r\n" + GTUBE + b"\r\n"
#: With Date and Message-ID: qmqpd takes all mail for local and adds those that are missing.
MAIL = (
    b"From: a@example.com\r\nTo: b@example.org\r\nSubject: hello\r\n"
    b"Date: Mon, 01 Jan 2024 00:00:00 +0000\r\nMessage-ID: <1@example.com>\r\n"
    b"\r\n  body\r\n\r\n.dot\r\n"
)


def _instream(port: int, data: bytes) -> bytes:
    with socket.create_connection((HOST, port), timeout=20) as connection:
        connection.sendall(b"zINSTREAM\0" + struct.pack(">I", len(data)) + data + struct.pack(">I", 0))
        return connection.makefile("rb").read()


def _checkv2(port: int, mail: bytes) -> bytes:
    connection = http.client.HTTPConnection(HOST, port, timeout=20)
    connection.request("POST", "/checkv2", body=mail)
    answer = connection.getresponse().read()
    connection.close()
    return answer


def _netstring(data: bytes) -> bytes:
    return b"%d:%s," % (len(data), data)


def _qmqp(port: int, message: bytes, sender: str, *recipients: str) -> bytes:
    parts = [message, sender.encode(), *(r.encode() for r in recipients)]
    with socket.create_connection((HOST, port), timeout=20) as connection:
        connection.sendall(_netstring(b"".join(map(_netstring, parts))))
        return connection.makefile("rb").read()


def test_redis_refuses_writes_instead_of_evicting(redis_server: RedisServer) -> None:
    with socket.create_connection((HOST, redis_server.port), timeout=5) as connection:
        connection.sendall(b"CONFIG GET maxmemory-policy\r\n")
        assert b"noeviction" in connection.recv(200)


def test_redis_keeps_its_data_over_a_restart(require: Require, server_dir: Path) -> None:
    require(*RedisServer.programs)
    server = RedisServer(server_dir / "redis", port=free_port())
    with server, socket.create_connection((HOST, server.port), timeout=5) as connection:
        connection.sendall(b"CONFIG SET appendfsync always\r\nSET key kept\r\n")
        assert wait_until(lambda: b"+OK\r\n+OK" in connection.recv(200, socket.MSG_PEEK), 5)
    with server, socket.create_connection((HOST, server.port), timeout=5) as connection:
        connection.sendall(b"GET key\r\n")
        assert connection.recv(200) == b"$4\r\nkept\r\n"


def test_clamd_finds_eicar(clamd_server: Clamd) -> None:
    assert b"Eicar-Test-Signature" in _instream(clamd_server.port, EICAR)
    assert b" OK" in _instream(clamd_server.port, b"harmless")


def test_clamd_finds_its_test_files_inside_archives(require: Require, clamd_server: Clamd) -> None:
    archive = "/usr/share/clamav-testfiles/clam.zip"
    require(archive)
    assert b"ClamAV-Test-File" in _instream(clamd_server.port, Path(archive).read_bytes())


def test_clamd_says_when_a_stream_is_too_large(require: Require, server_dir: Path) -> None:
    require(*Clamd.programs)
    with Clamd(server_dir / "clamd", port=free_port(), max_megabytes=1) as server:
        answer = _instream(server.port, bytes(2 * 1024 * 1024))
    assert b"size limit exceeded" in answer


def test_rspamd_rejects_gtube_and_nothing_ordinary(rspamd_server: Rspamd) -> None:
    assert b'"action":"reject"' in _checkv2(rspamd_server.port, SPAM)
    assert b'"action":"no action"' in _checkv2(rspamd_server.port, MAIL)


def test_spamd_gives_gtube_its_thousand_points(spamd_server: Spamd) -> None:
    with socket.create_connection((HOST, spamd_server.port), timeout=30) as connection:
        connection.sendall(b"CHECK SPAMC/1.2\r\nContent-length: %d\r\n\r\n%s" % (len(SPAM), SPAM))
        answer = connection.makefile("rb").read()
    assert b"Spam: True ; 100" in answer


def test_relay_delivers_what_qmqp_brings_byte_for_byte(relay: PostfixRelay) -> None:
    message = MAIL.replace(b"\r\n", b"\n")
    assert b":KOk: queued" in _qmqp(
        relay.qmqp_port, message, "s@example.com", "A@example.org", "b@example.net"
    )
    assert wait_until(lambda: len(relay.mailbox.messages()) == 2, 20)
    received = relay.mailbox.messages()
    assert {r.recipient for r in received} == {"A@example.org", "b@example.net"}
    assert {r.sender for r in received} == {"s@example.com"}
    assert {r.data for r in received} == {message}


def test_relay_takes_the_same_over_smtp_with_dsn_and_smtputf8(relay: PostfixRelay) -> None:
    with smtplib.SMTP(HOST, relay.smtp_port, timeout=20) as client:
        client.ehlo()
        assert client.has_extn("dsn")
        assert client.has_extn("smtputf8")
        client.sendmail("s@example.com", ["c@example.org"], MAIL)
    assert wait_until(lambda: len(relay.mailbox.messages()) == 1, 20)
    assert relay.mailbox.messages()[0].data == MAIL.replace(b"\r\n", b"\n")


def test_edge_without_its_milter_defers_and_refuses_unknown_recipients(
    relay: PostfixRelay, server_dir: Path
) -> None:
    edge = PostfixEdge(server_dir / "edge", port=free_port(), milter=server_dir / "absent.sock")
    with edge, smtplib.SMTP(HOST, edge.port, timeout=20) as client:
        client.ehlo()
        assert client.mail("s@example.com")[0] == 451
    edge = PostfixEdge(server_dir / "edge", port=free_port(), milter=0, extra={"smtpd_milters": ""})
    with edge, smtplib.SMTP(HOST, edge.port, timeout=20) as client:
        client.ehlo()
        assert client.mail("s@example.com")[0] == 250
        assert client.rcpt(UNKNOWN_RECIPIENT)[0] == 554


def test_a_queue_in_memory_goes_with_its_postfix(require: Require, server_dir: Path) -> None:
    require(*PostfixEdge.programs)
    memory = MemoryDirectory(server_dir / "edge")
    with PostfixEdge(
        server_dir / "edge", port=free_port(), milter=0, extra={"smtpd_milters": ""}, memory=memory
    ) as edge:
        assert edge.queue == memory.path
        assert (memory.path / "pid" / "master.pid").exists()
        assert not (server_dir / "edge" / "spool").exists()
    assert not memory.path.exists()


def test_a_queue_in_memory_stays_while_there_is_mail_in_it(require: Require, server_dir: Path) -> None:
    require(*PostfixEdge.programs)
    memory = MemoryDirectory(server_dir / "edge")
    later = {"smtpd_milters": "", "default_transport": "smtp:[127.0.0.1]:1"}
    edge = PostfixEdge(server_dir / "edge", port=free_port(), milter=0, extra=later, memory=memory)
    try:
        with edge, smtplib.SMTP(HOST, edge.port, timeout=20) as client:
            client.sendmail("s@example.com", ["c@example.org"], MAIL)
        (kept,) = edge.mail()
        assert b"c@example.org" in kept.read_bytes()
    finally:
        memory.remove()


def test_a_server_that_cannot_start_says_why(require: Require, server_dir: Path) -> None:
    require(*RedisServer.programs)
    with socket.socket() as occupied:
        occupied.bind((HOST, 0))
        occupied.listen()
        port = occupied.getsockname()[1]
        with pytest.raises(ServerError, match="Address already in use"):
            RedisServer(server_dir / "redis", port=port).__enter__()


def test_stop_ends_children_that_ignore_term(server_dir: Path) -> None:
    lines: list[str] = []
    script = "trap '' TERM; sleep 1000 & echo child $!; wait; wait"
    process = Process("stubborn", ["sh", "-c", script], sink=lambda _, line: lines.append(line))
    assert wait_until(lambda: bool(lines), 10)
    child = int(lines[0].split()[1])
    assert process.stop(seconds=0.2) == -9
    assert wait_until(lambda: _gone(child), 10)


def _gone(pid: int) -> bool:
    """Tell whether a process has ended; one that nobody waited for yet is a zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True
