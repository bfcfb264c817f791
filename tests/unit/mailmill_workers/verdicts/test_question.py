import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from mailmill.envelope import Client, Envelope, Recipient, Sasl, Tls
from mailmill.spoolfile import SpoolHeader
from mailmill_milter.received import received_header
from mailmill_workers.engines.addresses import TcpAddress
from mailmill_workers.engines.clamd import Clamd
from mailmill_workers.engines.rspamd import Rspamd
from mailmill_workers.engines.spamd import Spamd
from mailmill_workers.mail import Mail
from mailmill_workers.verdicts.question import question

words = st.text(max_size=5)
questions = st.tuples(
    words, words, st.lists(words, max_size=3), st.lists(words, max_size=3), st.binary(max_size=20)
)
ENVELOPE = Envelope(
    "ann@example.org",
    (Recipient("bob@example.com"),),
    Client("mail.example.org", "192.0.2.1", 4711, "mail.example.org"),
)
#: What of an envelope each engine is told.
RSPAMD_CHANGES = [
    replace(ENVELOPE, sender="eve@example.org"),
    replace(ENVELOPE, sender=""),
    replace(ENVELOPE, recipients=(Recipient("carol@example.com"),)),
    replace(ENVELOPE, recipients=(*ENVELOPE.recipients, Recipient("carol@example.com"))),
    replace(ENVELOPE, client=replace(ENVELOPE.client, address="192.0.2.2")),
    replace(ENVELOPE, client=replace(ENVELOPE.client, name="unknown")),
    replace(ENVELOPE, client=replace(ENVELOPE.client, helo="other")),
    replace(ENVELOPE, sasl=Sasl("PLAIN", "ann")),
    replace(ENVELOPE, tls=Tls("TLSv1.3", "TLS_AES_256_GCM_SHA384", 256)),
]


def copy_of(envelope=ENVELOPE, queue_id="4cXyZ1", edge="edge1", now=0, body=b"Subject: x\n\nhello\n"):
    head = received_header(envelope, hostname=edge, queue_id=queue_id, now=now)
    return Mail(SpoolHeader(f"01KB-{queue_id}", edge, now, queue_id, envelope), head + body)


def asked(engine, mail, version="1"):
    try:
        return question(engine.name, version, engine.servers, engine.told(mail), mail)
    finally:
        asyncio.run(engine.close())


@pytest.fixture(params=["clamd", "rspamd", "spamassassin"])
def engine(request):
    return {
        "clamd": Clamd([TcpAddress("127.0.0.1", 1)], 1),
        "rspamd": Rspamd(["http://127.0.0.1:1"], 1),
        "spamassassin": Spamd([TcpAddress("127.0.0.1", 1)], 1),
    }[request.param]


@given(questions, questions)
def test_two_questions_are_one_only_when_all_is_equal(make_mail, one, two):
    first, second = (question(*texts, make_mail(content)) for *texts, content in (one, two))
    assert (first == second) == (one == two)


@given(st.binary(min_size=1, max_size=200), st.data())
def test_any_changed_byte_is_another_question(make_mail, content, data):
    at = data.draw(st.integers(0, len(content) - 1))
    changed = bytearray(content)
    changed[at] ^= data.draw(st.integers(1, 255))
    told = ("clamd", "1", (), ())
    assert question(*told, make_mail(content)) != question(*told, make_mail(bytes(changed)))
    assert question(*told, make_mail(content)) != question(*told, make_mail(content[:-1]))


def test_another_copy_of_the_same_message_is_the_same_question(engine):
    assert asked(engine, copy_of()) == asked(engine, copy_of(queue_id="4dAbC2", edge="edge2", now=99_999))


def test_another_version_is_another_question(engine):
    assert asked(engine, copy_of(), "1") != asked(engine, copy_of(), "2")


def test_another_body_is_another_question(engine):
    assert asked(engine, copy_of()) != asked(engine, copy_of(body=b"Subject: x\n\nhallo\n"))


@pytest.mark.parametrize("envelope", RSPAMD_CHANGES)
def test_whatever_rspamd_is_told_is_part_of_the_question(envelope):
    def rspamd():
        return Rspamd(["http://127.0.0.1:1"], 1)

    assert asked(rspamd(), copy_of()) != asked(rspamd(), copy_of(envelope))


@pytest.mark.parametrize(
    "envelope", [change for change in RSPAMD_CHANGES if len(change.recipients) == 1], ids=lambda _: ""
)
def test_whatever_spamassassin_finds_is_part_of_the_question(envelope):
    def spamd():
        return Spamd([TcpAddress("127.0.0.1", 1)], 1)

    assert asked(spamd(), copy_of()) != asked(spamd(), copy_of(envelope))


def test_clamd_looks_at_the_same_message_to_somebody_else_only_once(engine):
    other = copy_of(
        replace(ENVELOPE, sender="list-carol@example.org", recipients=(Recipient("carol@x.test"),))
    )
    assert (asked(engine, copy_of()) == asked(engine, other)) == (engine.name == "clamd")


def test_another_server_is_another_question():
    one, two = Rspamd(["http://127.0.0.1:1"], 1), Rspamd(["http://127.0.0.1:2"], 1)
    assert asked(one, copy_of()) != asked(two, copy_of())


def test_the_password_of_rspamd_is_not_part_of_the_question():
    mail = copy_of()
    assert asked(Rspamd(["http://x:1"], 1, "secret"), mail) == asked(Rspamd(["http://x:1"], 1), mail)
    assert "secret" not in " ".join(Rspamd(["http://x:1"], 1, "secret").told(mail))
