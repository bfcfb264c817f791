from __future__ import annotations

import asyncio
import math
import threading
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from mailmill.findings import Failed, Scored
from mailmill_workers.engines.rspamd import Rspamd

pytestmark = pytest.mark.system

GTUBE = b"XJS*C4JDBQADN1.NSBN3*2IDNEN*" + b"GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X"
PATIENT = 60.0
IMPATIENT = 0.5


@pytest.fixture
def http_answers():
    """`http_answers(status, body)`: the URL of a server that answers everything so."""
    servers = []

    def start(status: HTTPStatus, body: bytes) -> str:
        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                self.rfile.read(int(self.headers["Content-Length"]))
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *args):
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        servers.append((server, thread))
        return f"http://127.0.0.1:{server.server_port}"

    yield start
    for server, thread in servers:
        server.shutdown()
        thread.join()
        server.server_close()


def test_ham_gets_a_low_score(rspamd_server, make_mail, ask):
    (answer,) = ask(Rspamd([rspamd_server.url], PATIENT), make_mail())
    assert isinstance(answer, Scored)
    assert answer.score < 6
    assert answer.symbols


def test_gtube_gets_a_high_score(rspamd_server, make_mail, ask):
    mail = make_mail(make_mail().content + GTUBE + b"\n")
    (answer,) = ask(Rspamd([rspamd_server.url], PATIENT), mail)
    assert answer.score >= 15
    assert "GTUBE" in dict(answer.symbols)


def test_thirty_messages_at_once_get_thirty_scores(rspamd_server, make_mail, ask):
    answers = ask(Rspamd([rspamd_server.url + "/"], PATIENT), *[make_mail()] * 30)
    assert all(isinstance(answer, Scored) and math.isfinite(answer.score) for answer in answers)


@pytest.mark.parametrize("content", [b"", b"\n", b"\0", b"\xff" * 1000, b"Content-Type: multipart/mixed\n\n"])
def test_odd_messages_get_a_score(content, rspamd_server, make_mail, ask):
    (answer,) = ask(Rspamd([rspamd_server.url], PATIENT), make_mail(content or b"\n"))
    assert isinstance(answer, Scored)


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (HTTPStatus.INTERNAL_SERVER_ERROR, b'{"action":"no action","score":0.0}'),
        (HTTPStatus.FORBIDDEN, b'{"error":"Unauthorized"}'),
        (HTTPStatus.OK, b"<html>"),
        (HTTPStatus.OK, b""),
        (HTTPStatus.OK, b'{"error":"Scan error"}'),
        (HTTPStatus.OK, b" " * 2_000_000),
    ],
)
def test_everything_but_a_score_is_failed_and_another_is_asked(
    status, body, http_answers, rspamd_server, make_mail, ask
):
    url = http_answers(status, body)
    (answer,) = ask(Rspamd([url], PATIENT), make_mail())
    assert isinstance(answer, Failed)
    assert url in answer.reason
    (answer,) = ask(Rspamd([url, rspamd_server.url], PATIENT), make_mail())
    assert isinstance(answer, Scored)


def test_a_hung_rspamd_is_failed_after_the_time_limit(hung, make_mail, ask):
    (answer,) = ask(Rspamd([f"http://{hung}"], IMPATIENT), make_mail())
    assert answer == Failed(f"http://{hung}: no answer within 0.5 s")


def test_another_rspamd_is_asked_when_one_hangs_or_is_down(hung, nobody, rspamd_server, make_mail, ask):
    urls = [f"http://{nobody}", f"http://{hung}", rspamd_server.url]
    (answer,) = ask(Rspamd(urls, 5.0), make_mail())
    assert isinstance(answer, Scored)


def test_an_engine_that_was_never_asked_can_be_closed():
    asyncio.run(Rspamd(["http://127.0.0.1:1"], 1.0).close())
