from __future__ import annotations

import socketserver
import threading

import pytest

from mailmill.findings import Failed, Scored
from mailmill_workers.engines.addresses import TcpAddress, UnixAddress
from mailmill_workers.engines.spamd import Spamd

pytestmark = pytest.mark.system

GTUBE = b"XJS*C4JDBQADN1.NSBN3*2IDNEN*" + b"GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X"
PATIENT = 60.0
IMPATIENT = 0.5


@pytest.fixture
def address(spamd_server):
    return TcpAddress("127.0.0.1", spamd_server.port)


@pytest.fixture(params=["tcp", "unix"])
def spamd_says(request, tmp_path):
    """`spamd_says(reply)`: the address of a server that answers everything so."""
    servers = []

    def start(reply: bytes):
        class Handler(socketserver.StreamRequestHandler):
            def handle(self):
                self.rfile.read()
                self.wfile.write(reply)

        if request.param == "tcp":
            server = socketserver.TCPServer(("127.0.0.1", 0), Handler)
            address = TcpAddress("127.0.0.1", server.server_address[1])
        else:
            server = socketserver.UnixStreamServer(str(tmp_path / "spamd"), Handler)
            address = UnixAddress(str(tmp_path / "spamd"))
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        servers.append((server, thread))
        return address

    yield start
    for server, thread in servers:
        server.shutdown()
        thread.join()
        server.server_close()


def test_ham_gets_a_low_score(address, make_mail, ask):
    (answer,) = ask(Spamd([address], PATIENT), make_mail())
    assert isinstance(answer, Scored)
    assert answer.score < 6


def test_gtube_gets_a_thousand_points(address, make_mail, ask):
    mail = make_mail(make_mail().content + GTUBE + b"\n")
    (answer,) = ask(Spamd([address], PATIENT), mail)
    assert answer.score > 900
    assert dict(answer.symbols)["GTUBE"] == 1000.0


def test_ten_messages_at_once_get_ten_scores(address, make_mail, ask):
    answers = ask(Spamd([address], PATIENT), *[make_mail()] * 10)
    assert all(isinstance(answer, Scored) for answer in answers)


def test_a_whole_answer_is_a_score(spamd_says, make_mail, ask):
    table = b" ---- x\n---- ---- ----\n 2.5 RULE  text\n"
    head = b"SPAMD/1.1 0 EX_OK\r\nContent-length: %d\r\nSpam: True ; 7.5 / 5.0\r\n\r\n" % len(table)
    assert ask(Spamd([spamd_says(head + table)], PATIENT), make_mail()) == [Scored(7.5, (("RULE", 2.5),))]


@pytest.mark.parametrize(
    "reply",
    [
        b"",
        b"garbage",
        b"SPAMD/1.1 0 EX_OK\r\n\r\n",
        b"SPAMD/1.1 0 EX_OK\r\nSpam: True ; x / y\r\n\r\n",
        b"SPAMD/1.1 0 EX_OK\r\nSpam: True ; nan / 5\r\n\r\n",
        b"SPAMD/1.1 75 EX_TEMPFAIL\r\n\r\n",
        b"SPAMD/1.1 76 Bad header line\r\n\r\n",
        b"SPAMD/1.0 999 \xff\r\n\r\n",
    ],
)
def test_everything_but_a_score_is_failed(reply, spamd_says, make_mail, ask):
    address = spamd_says(reply)
    (answer,) = ask(Spamd([address], PATIENT), make_mail())
    assert isinstance(answer, Failed)
    assert str(address) in answer.reason


def test_a_hung_spamd_is_failed_after_the_time_limit(hung, make_mail, ask):
    (answer,) = ask(Spamd([hung], IMPATIENT), make_mail())
    assert answer == Failed(f"{hung}: no answer within 0.5 s")


def test_another_spamd_is_asked_when_one_hangs_or_is_down(hung, nobody, address, make_mail, ask):
    (answer,) = ask(Spamd([nobody, hung, address], 5.0), make_mail())
    assert isinstance(answer, Scored)


def test_nothing_is_said_on_the_terminal(nobody, make_mail, ask, capfd):
    ask(Spamd([nobody], IMPATIENT), make_mail())
    assert capfd.readouterr() == ("", "")
