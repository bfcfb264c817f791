from __future__ import annotations

import base64
import logging
from email.message import EmailMessage
from pathlib import Path

import pytest

from mailmill.findings import Clean, Failed, Found, Unscannable
from mailmill_local.probes import free_port
from mailmill_local.servers.clamd import Clamd as ClamdServer
from mailmill_workers.engines import clamd as client
from mailmill_workers.engines.addresses import TcpAddress, UnixAddress
from mailmill_workers.engines.clamd import Clamd

pytestmark = pytest.mark.system

#: In two halves, so that no scanner takes this source for it.
EICAR = b"X5O!P%@AP[4\\PZX54(P^)7CC)7}$" + b"EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"
TEST_FILES = Path("/usr/share/clamav-testfiles")
#: Seconds for one message at one server; long enough for a busy machine.
PATIENT = 60.0
#: Seconds for a server that never answers.
IMPATIENT = 0.5
SMALL_LIMIT = 2_000_000


@pytest.fixture(scope="module")
def small_clamd(require, servers_dir):
    """A clamd that looks into no more than 1 MiB."""
    require(*ClamdServer.programs)
    with ClamdServer(servers_dir / "small-clamd", port=free_port(), max_megabytes=1) as server:
        yield server


@pytest.fixture(params=["unix", "tcp"])
def address(request, clamd_server):
    return address_of(clamd_server, request.param)


def address_of(server, kind):
    return UnixAddress(str(server.socket)) if kind == "unix" else TcpAddress("127.0.0.1", server.port)


def attached(content: bytes, name: str) -> bytes:
    mail = EmailMessage()
    mail["From"] = "ann@example.org"
    mail.set_content("See below.\n")
    mail.add_attachment(content, maintype="application", subtype="octet-stream", filename=name)
    return bytes(mail)


def test_clean_mail_is_clean(address, make_mail, ask):
    assert ask(Clamd([address], PATIENT), make_mail()) == [Clean()]


def test_eicar_is_found(address, make_mail, ask):
    (answer,) = ask(Clamd([address], PATIENT), make_mail(attached(EICAR, "eicar.com")))
    assert isinstance(answer, Found)
    assert "Eicar" in answer.names[0]


@pytest.mark.parametrize("name", ["clam.exe", "clam.zip", "clam.cab", "clam.tar.gz", "clam.pdf"])
def test_test_files_of_clamav_are_found_in_attachments(name, clamd_server, make_mail, ask):
    if not (TEST_FILES / name).exists():
        pytest.skip("not installed: clamav-testfiles")
    mail = make_mail(attached((TEST_FILES / name).read_bytes(), name))
    (answer,) = ask(Clamd([address_of(clamd_server, "unix")], PATIENT), mail)
    assert isinstance(answer, Found)


def test_thirty_messages_at_once_get_thirty_answers(address, make_mail, ask):
    bad = make_mail(attached(EICAR, "eicar.com"))
    answers = ask(Clamd([address], PATIENT), *[make_mail(), bad] * 15)
    assert [type(answer) for answer in answers] == [Clean, Found] * 15


@pytest.mark.parametrize("kind", ["unix", "tcp"])
@pytest.mark.parametrize("size", [SMALL_LIMIT, 20 * SMALL_LIMIT])
def test_more_than_a_stream_may_have_is_unscannable(kind, size, small_clamd, make_mail, ask):
    mail = make_mail(b"From: ann@example.org\n\n" + b"text\n" * (size // 5))
    assert ask(Clamd([address_of(small_clamd, kind)], PATIENT), mail) == [
        Unscannable("larger than clamd's StreamMaxLength")
    ]


def test_more_than_clamd_unpacks_is_unscannable(clamd_server, make_mail, ask):
    mail = make_mail(client.sample())
    (answer,) = ask(Clamd([address_of(clamd_server, "unix")], PATIENT), mail)
    assert isinstance(answer, Unscannable)
    assert "Heuristics.Limits.Exceeded" in answer.reason


def test_a_virus_in_what_is_over_a_limit_is_still_a_virus(clamd_server, make_mail, ask):
    content = attached(EICAR, "eicar.com")
    content += b"\n--\n" + base64.encodebytes(client.sample())
    (answer,) = ask(Clamd([address_of(clamd_server, "unix")], PATIENT), make_mail(content))
    assert isinstance(answer, Found)


def test_where_nobody_listens_the_answer_is_failed(nobody, tmp_path, make_mail, ask):
    for address in (nobody, UnixAddress(str(tmp_path / "none"))):
        (answer,) = ask(Clamd([address], PATIENT), make_mail())
        assert isinstance(answer, Failed)
        assert str(address) in answer.reason


def test_a_killed_clamd_gives_failed(require, server_dir, make_mail, ask):
    require(*ClamdServer.programs)
    with ClamdServer(server_dir / "clamd", port=free_port()) as server:
        address = address_of(server, "unix")
        assert ask(Clamd([address], PATIENT), make_mail()) == [Clean()]
    (answer,) = ask(Clamd([address], PATIENT), make_mail())
    assert isinstance(answer, Failed)


def test_a_hung_clamd_gives_failed_after_the_time_limit(hung, make_mail, ask):
    (answer,) = ask(Clamd([hung], IMPATIENT), make_mail())
    assert answer == Failed(f"{hung}: no answer within 0.5 s")


def test_another_clamd_is_asked_when_one_hangs_or_is_down(hung, nobody, clamd_server, make_mail, ask):
    engine = Clamd([nobody, hung, address_of(clamd_server, "unix")], 5.0)
    assert ask(engine, *[make_mail()] * 3) == [Clean()] * 3


def test_a_hung_clamd_that_is_sent_much_gives_failed(hung, make_mail, ask):
    (answer,) = ask(Clamd([hung], IMPATIENT), make_mail(b"text\n" * 10_000_000))
    assert isinstance(answer, Failed)


@pytest.mark.parametrize("alerts", [True, False])
def test_a_clamd_that_is_silent_about_its_limits_is_warned_of_once(
    alerts, require, server_dir, make_mail, ask, monkeypatch, caplog
):
    require(*ClamdServer.programs)
    monkeypatch.setattr(client, "_asked_for_limits", set())
    server = ClamdServer(server_dir / "clamd", port=free_port())
    render = server.render

    def render_silent():
        render()
        path = server.directory / "clamd.conf"
        if not alerts:
            path.write_text(path.read_text().replace("AlertExceedsMax yes", "AlertExceedsMax no"))

    monkeypatch.setattr(server, "render", render_silent)
    with server, caplog.at_level(logging.WARNING):
        address = address_of(server, "unix")
        assert ask(Clamd([address], PATIENT), *[make_mail()] * 3) == [Clean()] * 3
    assert caplog.text.count("set AlertExceedsMax yes") == (0 if alerts else 1)
