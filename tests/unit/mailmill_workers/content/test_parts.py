import base64
from email import policy
from email.message import EmailMessage, Message
from email.parser import BytesParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailmill.findings import Unscannable
from mailmill_workers.content.limits import MAX_DEPTH, MAX_HEADERS
from mailmill_workers.content.part import Part
from mailmill_workers.content.parts import unpack

PROGRAM = b"MZ\x90\x00program"


def with_attachment():
    mail = EmailMessage(policy=policy.SMTPUTF8.clone(linesep="\n"))
    mail["From"], mail["Subject"] = "a@example.org", "hello"
    mail.set_content("See below.\n")
    mail.add_alternative("<p>See below.</p>\n", subtype="html")
    mail.add_attachment(PROGRAM, maintype="application", subtype="octet-stream", filename="evil.exe")
    return mail


def summary(parts):
    return [(part.path, part.content_type, part.filename) for part in parts]


def test_a_plain_message_is_one_part():
    assert unpack(b"Subject: x\n\nHello\n", 10) == (Part((), "text/plain", (), b"Hello\n"),)


def test_attachments_come_out_decoded_and_in_order():
    parts = unpack(bytes(with_attachment()), 10)
    assert summary(parts) == [
        ((), "multipart/mixed", ""),
        ((0,), "multipart/alternative", ""),
        ((0, 0), "text/plain", ""),
        ((0, 1), "text/html", ""),
        ((1,), "application/octet-stream", "evil.exe"),
    ]
    assert parts[2].content == b"See below.\n"
    assert parts[4].content == PROGRAM


def test_a_forwarded_message_is_opened():
    outer = EmailMessage()
    outer.set_content("fyi")
    outer.add_attachment(with_attachment())
    parts = unpack(bytes(outer), 20)
    assert ((1,), "message/rfc822", "") in summary(parts)
    assert ((1, 0, 1), "application/octet-stream", "evil.exe") in summary(parts)


def test_a_forwarded_message_in_base64_is_opened():
    inner = base64.encodebytes(bytes(with_attachment()))
    mail = b"Content-Type: message/rfc822\nContent-Transfer-Encoding: base64\n\n" + inner
    assert "evil.exe" in [part.filename for part in unpack(mail, 20)]


def test_a_multipart_in_base64_is_opened():
    body = base64.encodebytes(b"--b\nContent-Type: application/x; name=evil.exe\n\nMZ\n--b--\n")
    mail = b"Content-Type: multipart/mixed; boundary=b\nContent-Transfer-Encoding: base64\n\n" + body
    assert "evil.exe" in [part.filename for part in unpack(mail, 20)]


def test_parts_of_a_digest_are_messages():
    mail = b"Content-Type: multipart/digest; boundary=b\n\n--b\n\nSubject: in\n\nx\n--b--\n"
    assert summary(unpack(mail, 9))[1:] == [((0,), "message/rfc822", ""), ((0, 0), "text/plain", "")]


def test_a_uuencoded_file_in_a_text_is_a_part():
    mail = b"Subject: x\n\nhello\nbegin 644 evil.exe\n" + b"#35J0\n" + b"`\nend\n"
    assert unpack(mail, 9)[1] == Part((0,), "application/octet-stream", ("evil.exe",), b"MZ\x90")


@pytest.mark.parametrize(
    "mail",
    [
        b"Content-Type: multipart/mixed; boundary=b\n\n--b--\n--b\n%s\n--b--\n",
        b"Content-Type: multipart/mixed; boundary=b\n\n--b\n%s",
        b"Content-Type: multipart/mixed; boundary=b\n\n--b  \t\n%s\n--b\t\n",
        b'Content-Type: multipart/mixed; boundary=""\n\n--\n%s\n----\n',
        b"Content-Type: multipart/mixed; boundary=a; boundary=b\n\n--b\n%s\n--b--\n",
        b"Content-Type: multipart/x; boundary=a\nContent-Type: multipart/x; boundary=b\n\n--b\n%s\n--b--\n",
        b"Content-Type: text/plain\nContent-Type: multipart/mixed; boundary=b\n\n--b\n%s\n--b--\n",
        b"Content-Type: multipart/mixed; boundary=b\nno header\n--b\n%s\n--b--\n",
        b"Content-Type: multipart/mixed; boundary=\xe9\n\n--\xe9\n%s\n--\xe9--\n",
        b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r%s\r\n--b--\r\n",
        b"Content-Type: multipart/mixed;\n boundary*0=ab;\n boundary*1=c\n\n--abc\n%s\n--abc--\n",
    ],
)
def test_broken_structure_hides_nothing(mail):
    part = b"Content-Type: application/x-msdownload; name=evil.exe\n\nMZ"
    assert ("evil.exe", b"MZ") in [(found.filename, found.content) for found in unpack(mail % part, 9)]


def test_a_boundary_that_begins_like_the_outer_one_is_another():
    mail = (
        b"Content-Type: multipart/mixed; boundary=b\n\n--b\n"
        b"Content-Type: multipart/mixed; boundary=b1\n\n--b1\n\none\n--b1\n\ntwo\n--b1--\n"
        b"--b\n\nthree\n--b--\n"
    )
    leaves = [part for part in unpack(mail, 9) if part.content_type == "text/plain"]
    assert [(part.path, part.content) for part in leaves] == [
        ((0, 0), b"one"),
        ((0, 1), b"two"),
        ((1,), b"three"),
    ]


def nested(depth):
    layers = b"".join(
        b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n" % (n, n) for n in range(depth)
    )
    return layers + b"\nx\n"


def test_as_many_parts_as_allowed_are_looked_into_and_no_more():
    mail = b"Content-Type: multipart/mixed; boundary=b\n\n" + b"--b\n\nx\n" * 9
    assert len(unpack(mail, 10)) == 10
    assert unpack(mail, 9) == Unscannable("more than 9 parts")


def test_uuencoded_files_count_as_parts():
    assert unpack(b"\n" + b"begin 644 a\n!00\n`\nend\n" * 9, 9) == Unscannable("more than 9 parts")


def test_parts_inside_each_other_are_looked_into_to_a_depth():
    assert not isinstance(unpack(nested(MAX_DEPTH), 500), Unscannable)
    assert isinstance(unpack(nested(MAX_DEPTH + 1), 500), Unscannable)
    assert isinstance(unpack(b"Content-Type: message/rfc822\n\n" * 5000, 10_000), Unscannable)


@pytest.mark.parametrize(
    "mail",
    [
        b"A: b\n" * (MAX_HEADERS // 4),
        b"Content-Type: multipart/x; boundary=b\n\n"
        + (b"--b\n" + b"A: %b\n" % (b"b" * 200_000) + b"\nx\n") * 11,
        b"Content-Type: text/html" + b" ;" * 5000 + b"\n\nx",
        b"Content-Disposition: attachment; filename=" + b"a" * 3000 + b"\n\nx",
        b"Content-Type: multipart/x" + b"".join(b"; boundary=%d" % n for n in range(9)) + b"\n\n--1\n",
    ],
)
def test_what_is_too_long_to_look_at_is_unscannable(mail):
    assert isinstance(unpack(mail, 500), Unscannable)


def test_a_fault_in_the_parser_is_unscannable(monkeypatch, caplog):
    def fail(*args, **kwargs):
        raise AttributeError("no such thing")

    monkeypatch.setattr("mailmill_workers.content.structure.BytesHeaderParser.parsebytes", fail)
    assert unpack(b"A: b\n", 9) == Unscannable("its structure cannot be read (AttributeError)")
    assert "cannot be unpacked" in caplog.text


def mutated():
    base = bytes(with_attachment())
    edits = st.lists(
        st.tuples(
            st.integers(0, len(base)),
            st.integers(0, 12),
            st.sampled_from(
                [
                    b"",
                    b"\n",
                    b"\n\n",
                    b"\r",
                    b"--",
                    b";",
                    b'"',
                    b"\x00",
                    b"\xff",
                    b"=?",
                    b"*0*=",
                    b"boundary=",
                ]
            ),
        ),
        max_size=6,
    )

    def apply(changes):
        mail = base
        for at, cut, new in changes:
            mail = mail[:at] + new + mail[at + cut :]
        return mail

    return edits.map(apply)


@given(mutated() | st.binary(max_size=200))
def test_any_bytes_have_parts_or_are_unscannable(mail):
    found = unpack(mail, 50)
    assert isinstance(found, Unscannable) or found[0].path == ()


LEAVES = st.binary(max_size=40).map(lambda content: ("leaf", content.replace(b"\r", b"").replace(b"-", b"")))
TREES = st.recursive(LEAVES, lambda inner: st.lists(inner, min_size=1, max_size=3), max_leaves=8)


def render(tree, level=0):
    if isinstance(tree, tuple):
        coded = base64.encodebytes(tree[1])
        return b"Content-Type: application/x; name=f%d\nContent-Transfer-Encoding: base64\n\n" % level + coded
    boundary = b"b%d" % level
    children = b"".join(b"--%b\n%b\n" % (boundary, render(child, level + 1)) for child in tree)
    return b"Content-Type: multipart/mixed; boundary=%b\n\n%b--%b--\n" % (boundary, children, boundary)


def standard_library_leaves(mail: Message):
    return [
        (part.get_filename(), part.get_payload(decode=True))
        for part in mail.walk()
        if not part.is_multipart()
    ]


@given(TREES)
def test_well_formed_mail_is_read_as_the_standard_library_reads_it(tree):
    mail = render(tree)
    ours = [
        (part.filename, part.content)
        for part in unpack(mail, 500)
        if not part.content_type.startswith("multipart/")
    ]
    assert ours == standard_library_leaves(BytesParser().parsebytes(mail))


@given(mutated())
def test_mutated_mail_shows_every_name_that_the_standard_library_shows(mail):
    found = unpack(mail, 500)
    if isinstance(found, Unscannable):
        return
    ours = {name for part in found for name in part.names}
    for name, _ in standard_library_leaves(BytesParser().parsebytes(mail)):
        assert not name or name in ours or "\ufffd" in name


def test_a_multipart_without_a_subtype_shows_its_parts():
    part = b"--b\nContent-Disposition: attachment; filename=evil.exe\n\nMZ\n--b--\n"
    found = unpack(b"Content-Type: multipart/;mixed; boundary=b\n\n" + part, 50)
    assert [name for each in found for name in each.names] == ["evil.exe"]


def test_a_process_without_memory_says_nothing_about_the_message(monkeypatch):
    def starve(*_args):
        raise MemoryError

    monkeypatch.setattr("mailmill_workers.content.parts._Walk", starve)
    with pytest.raises(MemoryError):
        unpack(b"Subject: a\n\nbody\n", 100)
