"""The verdict cache before real engines, which a proxy counts the questions to."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import socketserver
import threading
from email.message import EmailMessage

import pytest
from msgspec.structs import replace

from mailmill.findings import Clean, Failed, Found, Scored
from mailmill.settings import Settings
from mailmill_local.probes import free_port
from mailmill_local.servers.redis import RedisServer
from mailmill_workers.engines.versions import Versions
from mailmill_workers.mail import Mail
from mailmill_workers.scan.asking import Asking
from mailmill_workers.scan.examine import Examiner
from mailmill_workers.scan.trail import Trail
from mailmill_workers.verdicts.store import Kept, VerdictStore, connect

pytestmark = pytest.mark.system

#: In two halves, so that no scanner takes this source for it.
EICAR = b"X5O!P%@AP[4\\PZX54(P^)7CC)7}$" + b"EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"
#: How each engine is asked about a message.
QUESTIONS = (b"zINSTREAM\0", b"POST /checkv2", b"REPORT SPAMC")


class Proxy(socketserver.ThreadingTCPServer):
    """Counts the questions to the server behind it; tells another version for it when `version` is set."""

    daemon_threads = True

    def __init__(self, port):
        super().__init__(("127.0.0.1", 0), Connection)
        self.behind, self.questions, self.version = port, 0, b""

    @property
    def address(self):
        return f"127.0.0.1:{self.server_address[1]}"


class Connection(socketserver.BaseRequestHandler):
    def handle(self):
        with (
            contextlib.suppress(ConnectionError),
            socket.create_connection(("127.0.0.1", self.server.behind)) as behind,
        ):
            answers = threading.Thread(target=pump, args=(behind, self.request))
            answers.start()
            while data := self.request.recv(65_536):
                self.server.questions += data.startswith(QUESTIONS)
                if self.server.version and data == b"zVERSION\0":
                    self.request.sendall(self.server.version)
                    break
                behind.sendall(data)
            with contextlib.suppress(OSError):
                behind.shutdown(socket.SHUT_WR)
            answers.join()


def pump(source, sink):
    with contextlib.suppress(OSError):
        while data := source.recv(65_536):
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)


@pytest.fixture
def proxied():
    """`proxied(port)`: a proxy before the server at a port."""
    with contextlib.ExitStack() as stack:

        def start(port):
            proxy = stack.enter_context(Proxy(port))
            thread = threading.Thread(target=proxy.serve_forever, kwargs={"poll_interval": 0.01})
            thread.start()
            stack.callback(thread.join)
            stack.callback(proxy.shutdown)
            return proxy

        yield start


@pytest.fixture
def cache(redis_server):
    client = connect(redis_server.url)
    client.flushdb()
    yield client
    client.close()


@pytest.fixture
def clamd(clamd_server, proxied):
    return proxied(clamd_server.port)


@pytest.fixture
def rspamd(rspamd_server, proxied):
    return proxied(rspamd_server.port)


def options(clamd, **more):
    return {"Clamd Socket": clamd.address, "Spam Scanner": "none", **more}


@pytest.fixture
def copy_of(make_mail):
    """`copy_of(mail, queue_id)`: the mail as another edge takes it, another time."""

    def make(mail, queue_id):
        head = b"Received: from mail.example.org (mail.example.org [192.0.2.1])\n"
        head += b"\tby %s (Mailmill) with ESMTP id %s\n\tfor <bob@example.com>; a date\n"
        edge = f"edge-{queue_id}"
        header = replace(mail.header, id=f"01KB-{queue_id}", queue_id=queue_id, edge=edge)
        return Mail(header, head % (edge.encode(), queue_id.encode()) + mail.content)

    return make


def examine(store, settings, *mails):
    """Scan a batch in a process that knows nothing; return the reports."""

    async def run():
        async with Examiner(settings, Asking(settings, store, Versions())) as examiner:
            return await asyncio.gather(*(examiner.examine(mail, Trail()) for mail in mails))

    return asyncio.run(run())


def test_clamd_and_rspamd_are_asked_once_for_copies_of_a_message(clamd, rspamd, cache, make_mail, copy_of):
    settings = Settings.of(
        options(clamd, **{"Spam Scanner": "rspamd", "Rspamd URL": f"http://{rspamd.address}"})
    )
    store = VerdictStore(cache)
    (first,) = examine(store, settings, copy_of(make_mail(), "4aaa"))
    (second,) = examine(store, settings, copy_of(make_mail(), "4bbb"))
    assert (first.cached, second.cached) == (set(), {"clamd", "rspamd"})
    assert second.viruses == first.viruses == (("clamd", Clean()),)
    assert isinstance(first.spam, Scored)
    assert second.spam == first.spam
    # The other question is that for the limits of a clamd, once in a process.
    assert clamd.questions <= 2
    assert rspamd.questions == 1
    (other,) = examine(store, settings, copy_of(make_mail(make_mail().content + b"PS\n"), "4ccc"))
    assert other.cached == set()
    assert rspamd.questions == 2


def test_spamassassin_is_asked_once_for_copies_of_a_message(
    spamd_server, clamd, proxied, cache, make_mail, copy_of
):
    spamd = proxied(spamd_server.port)
    settings = Settings.of(options(clamd, **{"Spam Scanner": "spamassassin", "Spamd Socket": spamd.address}))
    store = VerdictStore(cache)
    (first,) = examine(store, settings, copy_of(make_mail(), "4aaa"))
    (second,) = examine(store, settings, copy_of(make_mail(), "4bbb"))
    assert (first.cached, second.cached) == (set(), {"clamd", "spamassassin"})
    assert second.spam == first.spam
    assert spamd.questions == 1


def test_a_batch_of_copies_is_one_question(clamd, rspamd, cache, make_mail, copy_of):
    settings = Settings.of(
        options(clamd, **{"Spam Scanner": "rspamd", "Rspamd URL": f"http://{rspamd.address}"})
    )
    reports = examine(VerdictStore(cache), settings, *(copy_of(make_mail(), f"4{n:03}") for n in range(20)))
    assert rspamd.questions == 1
    assert len({report.spam for report in reports}) == 1
    assert len(cache.keys("mailmill:verdict:*")) == 2


def test_a_virus_stays_a_virus_and_clamd_is_not_asked_again(clamd, cache, make_mail):
    settings, store = Settings.of(options(clamd)), VerdictStore(cache)
    message = EmailMessage()
    message["From"] = "ann@example.org"
    message.add_attachment(EICAR, maintype="application", subtype="octet-stream", filename="eicar.com")
    mail = make_mail(bytes(message))
    (first,) = examine(store, settings, mail)
    asked = clamd.questions
    (second,) = examine(store, settings, mail)
    ((_, answer),) = second.viruses
    assert isinstance(answer, Found)
    assert second.viruses == first.viruses
    assert second.cached == {"clamd"}
    assert clamd.questions == asked
    (key,) = cache.keys("mailmill:verdict:clamd:*")
    # The test servers' signatures are not ClamAV's own: the version does not tell when they change.
    assert 0 < cache.ttl(key) <= 1800


def test_new_signatures_are_asked_again(clamd, cache, make_mail):
    settings, store = Settings.of(options(clamd)), VerdictStore(cache)
    clamd.version = b"ClamAV 1.4.6/27001/Sat Nov 21 09:00:00 2026\0"
    examine(store, settings, make_mail())
    clamd.version = b"ClamAV 1.4.6/27002/Sun Nov 22 09:00:00 2026\0"
    assert examine(store, settings, make_mail())[0].cached == set()
    assert examine(store, settings, make_mail())[0].cached == {"clamd"}


def test_a_damaged_value_is_asked_again(clamd, cache, make_mail):
    settings, store = Settings.of(options(clamd)), VerdictStore(cache)
    examine(store, settings, make_mail())
    (key,) = cache.keys("mailmill:verdict:*")
    cache.set(key, b'{"type":"Clea')
    assert examine(store, settings, make_mail())[0].cached == set()
    assert examine(store, settings, make_mail())[0].cached == {"clamd"}


def test_where_no_engine_answers_nothing_is_kept(nobody, cache, make_mail):
    settings, store = Settings.of({"Clamd Socket": str(nobody), "Spam Scanner": "none"}), VerdictStore(cache)
    ((_, answer),) = examine(store, settings, make_mail())[0].viruses
    assert isinstance(answer, Failed)
    assert cache.keys("*") == []


def test_without_redis_everything_is_asked(clamd, hung, nobody, make_mail):
    settings = Settings.of(options(clamd))
    for address in (nobody, hung):
        client = connect(f"redis://{address}/0")
        (report,) = examine(VerdictStore(client), settings, make_mail())
        assert report.viruses == (("clamd", Clean()),)
        client.close()


def test_a_full_redis_keeps_nothing_and_harms_nothing(require, server_dir, clamd, make_mail):
    require(*RedisServer.programs)
    with RedisServer(server_dir / "redis", port=free_port(), max_memory="1kb") as server:
        client = connect(server.url)
        store = VerdictStore(client)
        store.put({"a": Kept(b"1", 60)})
        assert store.get(["a"]) == [None]
        fresh = VerdictStore(client)
        for _ in range(2):
            (report,) = examine(fresh, Settings.of(options(clamd)), make_mail())
            assert report.viruses == (("clamd", Clean()),)
            assert report.cached == set()
        assert client.dbsize() == 0
        client.close()
