from __future__ import annotations

import socket

import pytest

from mailmill import hostnames
from mailmill.hostnames import HostName, HostNames, Reverse, ask

NAME = HostName(Reverse.VERIFIED, "mx.example")


class Resolver:
    def __init__(self, *answers):
        self.asked, self.answers, self.now = [], list(answers), 0.0
        self.names = HostNames(self, lambda: self.now)

    def __call__(self, address):
        self.asked.append(address)
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


def test_an_answer_is_remembered_for_a_while():
    resolver = Resolver(NAME, HostName(Reverse.NONE))
    assert [resolver.names("192.0.2.1") for _ in range(3)] == [NAME] * 3
    resolver.now = hostnames.LIFETIME
    assert resolver.names("192.0.2.1").reverse is Reverse.NONE
    assert len(resolver.asked) == 2


def test_a_failure_is_not_remembered_for_long_and_is_no_answer():
    resolver = Resolver(OSError("no route"), NAME)
    assert resolver.names("192.0.2.1") == resolver.names("192.0.2.1") == HostName(Reverse.UNKNOWN)
    resolver.now = hostnames.FAILURE_LIFETIME
    assert resolver.names("192.0.2.1") == NAME


def test_only_so_many_clients_are_remembered(monkeypatch):
    monkeypatch.setattr(hostnames, "MOST", 2)
    resolver = Resolver(*[NAME] * 4)
    for address in ("192.0.2.1", "192.0.2.2", "192.0.2.3", "192.0.2.3", "192.0.2.1"):
        resolver.names(address)
    assert resolver.asked == ["192.0.2.1", "192.0.2.2", "192.0.2.3", "192.0.2.1"]


def raises(error):
    def fail(*_args, **_more):
        raise error

    return fail


@pytest.mark.parametrize(
    ("reverse", "forward", "expected"),
    [
        (lambda _: ("mx.example", [], []), ["192.0.2.1", "2001:db8::1"], Reverse.VERIFIED),
        (lambda _: ("mx.example", [], []), ["192.0.2.9"], Reverse.SPOOFED),
        (lambda _: ("mx.example", [], []), socket.gaierror(socket.EAI_NONAME, ""), Reverse.SPOOFED),
        (lambda _: ("mx.example", [], []), socket.gaierror(socket.EAI_AGAIN, ""), Reverse.UNKNOWN),
        (lambda _: ("mx.example", [], []), UnicodeError(), Reverse.SPOOFED),
        (raises(socket.herror(1, "")), [], Reverse.NONE),
        (raises(socket.herror(2, "")), [], Reverse.UNKNOWN),
        (raises(socket.gaierror(socket.EAI_AGAIN, "")), [], Reverse.UNKNOWN),
    ],
)
def test_a_name_counts_when_it_leads_back(monkeypatch, reverse, forward, expected):
    def addresses(*_args, **_more):
        if isinstance(forward, Exception):
            raise forward
        return [(0, 0, 0, "", (address, 0)) for address in forward]

    monkeypatch.setattr(socket, "gethostbyaddr", reverse)
    monkeypatch.setattr(socket, "getaddrinfo", addresses)
    assert ask("192.0.2.1").reverse is expected
