from __future__ import annotations

import socket

from mailmill_milter.libmilter.quickack import QuickAck


class FakeSocket:
    """A descriptor as the kernel knows it: no traffic."""

    def __init__(self, family, *, listens=False, port=0):
        self.family, self.listens, self.port = family, listens, port


KNOWN = {
    3: FakeSocket(socket.AF_INET, listens=True, port=33333),
    4: FakeSocket(socket.AF_INET, port=33333),
    5: FakeSocket(socket.AF_INET6, port=33333),
    6: FakeSocket(socket.AF_INET, port=6379),
    7: FakeSocket(socket.AF_UNIX),
}


def install(monkeypatch):
    told = []

    class Borrowed:
        def __init__(self, fileno):
            if fileno not in KNOWN:
                raise OSError(88, "Socket operation on non-socket")
            self.fd = fileno
            self.family = KNOWN[fileno].family

        def getsockopt(self, level, option):
            assert (level, option) == (socket.SOL_SOCKET, socket.SO_ACCEPTCONN)
            return KNOWN[self.fd].listens

        def getsockname(self):
            known = KNOWN[self.fd]
            return ("127.0.0.1", known.port) if known.family != socket.AF_UNIX else ""

        def setsockopt(self, level, option, value):
            assert (level, option, value) == (socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)
            told.append(self.fd)

        def detach(self):
            return self.fd

    monkeypatch.setattr("mailmill_milter.libmilter.quickack.socket.socket", Borrowed)
    monkeypatch.setattr("mailmill_milter.libmilter.quickack._descriptors", lambda: [0, 1, 2, 9, *KNOWN])
    return told


def test_all_connections_to_the_milters_port_are_told_to_acknowledge(monkeypatch):
    told = install(monkeypatch)
    quick = QuickAck(33333)
    quick.now()
    assert told == []
    quick.look()
    quick.now()
    assert told == [4, 5]


def test_a_connection_that_has_gone_does_no_harm(monkeypatch):
    told = install(monkeypatch)
    quick = QuickAck(33333)
    quick.look()
    monkeypatch.delitem(KNOWN, 4)
    quick.now()
    assert told == [5]


def test_a_unix_socket_needs_none_of_this(monkeypatch):
    told = install(monkeypatch)
    quick = QuickAck(0)
    quick.look()
    quick.now()
    assert told == []
