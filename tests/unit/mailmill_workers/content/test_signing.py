import base64
import quopri
from email import message_from_bytes, policy

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailmill_workers.content.decoding import undo
from mailmill_workers.content.parts import unpack
from mailmill_workers.content.signing import MAX_SIGNED, sign

TEXT = "\n-- \nSigned for you\n"
HTML = "<p>Signed for you</p>\n"
PLAIN = b"Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: %s\n\n%s"


def parsed(content):
    return message_from_bytes(content, policy=policy.default)


def multipart(kind: str, *parts, mark=b"x", head=b"Subject: s\n"):
    inner = b"".join(b"--%s\n%s\n" % (mark, part) for part in parts)
    return b'%sContent-Type: multipart/%s; boundary="%s"\n\npreamble\n%s--%s--\nepilogue\n' % (
        head,
        kind.encode(),
        mark,
        inner,
        mark,
    )


def test_plain_text_gets_the_signature_behind_it():
    assert sign(b"Subject: s\n\nHello\n", TEXT, HTML) == b"Subject: s\n\nHello\n\n-- \nSigned for you\n"


def test_a_text_without_a_last_line_end_gets_one():
    assert sign(b"Subject: s\n\nHello", "x\n", "") == b"Subject: s\n\nHello\nx\n"


def test_html_is_signed_before_the_last_end_of_its_body():
    content = b"Content-Type: text/html\n\n<html><body>a </body> b</BODY ></html>\n"
    signed = sign(content, TEXT, HTML)
    assert signed == content.replace(b"</BODY", b"\n<p>Signed for you</p>\n</BODY")


@pytest.mark.parametrize(("body", "end"), [(b"<b>a</b>\n</html>\n", b"</html>\n"), (b"<b>a</b>\n", b"")])
def test_html_without_a_body_is_signed_at_its_end(body, end):
    head = b"Content-Type: text/html\n\n"
    assert sign(head + body, TEXT, HTML) == head + b"<b>a</b>\n" + HTML.encode() + end


def test_both_alternatives_are_signed_and_attachments_are_not():
    program = b'Content-Type: text/plain; name="a.txt"\nContent-Disposition: attachment\n\nleft alone'
    related = multipart(
        "related",
        b"Content-Type: text/html\n\n<p>Hello</p>",
        b"Content-Type: image/png\n\n.",
        mark=b"z",
        head=b"",
    )
    inner = multipart("alternative", b"\nHello", related, mark=b"y", head=b"")
    content = multipart("mixed", program, inner, program)
    signed = sign(content, TEXT, HTML)
    assert signed == content.replace(b"\nHello\n--y", b"\nHello\n\n-- \nSigned for you\n\n--y").replace(
        b"<p>Hello</p>", b"<p>Hello</p>\n" + HTML.encode()
    )


def test_only_the_first_of_several_texts_is_signed():
    content = multipart("mixed", b"\none", b"\ntwo")
    assert sign(content, TEXT, HTML) == content.replace(b"one\n", b"one\n\n-- \nSigned for you\n\n")


def test_a_forwarded_message_is_left_alone():
    assert sign(multipart("mixed", b"Content-Type: message/rfc822\n\nSubject: x\n\nx\n"), TEXT, HTML) is None


def test_quoted_printable_stays_so_and_keeps_its_bytes():
    raw = "Grüße, ".encode() * 20
    content = PLAIN % (b"quoted-printable", quopri.encodestring(raw) + b"=\n")
    signed = sign(content, "Öl = x\n", "")
    assert signed.startswith(content)
    assert parsed(signed).get_content() == raw.decode() + "\nÖl = x\n"


def test_html_in_quoted_printable_is_signed_where_its_lines_are_folded():
    html = b"<body>%s</body>" % (b"a=" * 24)
    head = b"Content-Type: text/html; charset=utf-8\nContent-Transfer-Encoding: quoted-printable\n\n"
    signed = sign(head + quopri.encodestring(html), "", "<p>\u20ac</p>")
    assert parsed(signed).get_content() == html.decode().replace("</body>", "\n<p>\u20ac</p>\n</body>")
    assert max(map(len, signed.splitlines())) <= 100


def test_line_ends_in_quoted_printable_stay_line_ends():
    html = b"a=0D=0Ab=0D=0A</body>=0D=0A"
    head = b"Content-Type: text/html\nContent-Transfer-Encoding: quoted-printable\n\n"
    signed = sign(head + html, "", "<p>")
    on_the_wire = signed.partition(b"\n\n")[2].replace(b"\n", b"\r\n")
    assert quopri.decodestring(on_the_wire) == b"a\r\nb\r\n<p>\r\n</body>\r\n"


def test_base64_is_decoded_signed_and_encoded_again():
    raw = "Grüße\r\n".encode() * 20
    signed = sign(PLAIN % (b"base64", base64.encodebytes(raw)), "Öl\n", "")
    assert undo("base64", signed.partition(b"\n\n")[2]) == raw + "Öl\r\n".encode()
    assert max(map(len, signed.splitlines())) <= 76
    assert signed.endswith(b"\n")


def test_damaged_base64_stays_as_it_is():
    assert sign(PLAIN % (b"base64", b"SGVsbG8=\n-- \na list\n"), TEXT, "") is None


@pytest.mark.parametrize(
    ("charset", "encoding", "expected"),
    [
        ("utf-8", "8bit", "Grüße \u2013 ł".encode()),
        ("iso-8859-15", "8bit", None),
        ("iso-8859-2", "8bit", "Grüße - ł".encode("iso-8859-2")),
        ("utf-8", "7bit", None),
        ("koi8-r", "8bit", None),
    ],
)
def test_the_signature_is_written_in_the_texts_charset_or_in_simpler_letters(charset, encoding, expected):
    head = f"Content-Type: text/plain; charset={charset}\nContent-Transfer-Encoding: {encoding}\n\n".encode()
    signed = sign(head + b"x\n", "Grüße \u2013 ł\n", "")
    assert signed == (expected and head + b"x\n" + expected + b"\n")


def test_accents_are_left_out_where_there_are_none():
    assert sign(b"\nx\n", "Grüße \u2014 \u201cé\u201d\n", "") == b'\nx\nGrusse - "e"\n'


def test_html_has_references_for_what_its_charset_does_not_have():
    content = b"Content-Type: text/html\n\nx\n"
    assert sign(content, "", "<p>ü\u20ac</p>\n") == content + b"<p>&#252;&#8364;</p>\n"


@pytest.mark.parametrize(
    "content",
    [
        multipart("signed", b"\nHello", b"Content-Type: application/pgp-signature\n\n."),
        multipart("mixed", multipart("signed", b"\nHello", b"\n.", mark=b"y", head=b""), b"\nfooter"),
        multipart("encrypted", b"\nHello", b"\n."),
        multipart("report", b"\nHello", b"Content-Type: message/delivery-status\n\n."),
        b"Content-Type: application/pkcs7-mime; smime-type=signed-data\n\nMIAG\n",
        b"DKIM-Signature: v=1; a=rsa-sha256\nSubject: s\n\nHello\n",
        b"ARC-Seal: i=1\nSubject: s\n\nHello\n",
        b"Subject: s\n\n-----BEGIN PGP SIGNED MESSAGE-----\nHello\n",
        PLAIN % (b"base64", base64.encodebytes(b"-----BEGIN PGP MESSAGE-----\n")),
        b"Content-Type: text/plain\nContent-Type: text/html\n\nHello\n",
        b"Content-Type: text/plain; charset=utf-16\n\nHello\n",
        b"Content-Type: text/plain; charset=nonsense\n\nHello\n",
        b"Content-Transfer-Encoding: x-uuencode\n\nHello\n",
        b"Content-Type: text/calendar\n\nHello\n",
        b"Content-Disposition: attachment\n\nHello\n",
        b"Subject: no body\n",
        b'Content-Type: multipart/mixed; boundary="x"; boundary="y"\n\n--x\n\na\n--y\n\nb\n',
        multipart("mixed", b"Content-Type: text/plain"),
        b"Subject: s\n\n" + b"a\n" * (MAX_SIGNED // 2),
    ],
)
def test_what_nobody_may_change_or_understand_is_left_alone(content):
    assert sign(content, TEXT, HTML) is None


def test_a_signature_with_a_line_that_is_a_boundary_is_left_out():
    content = multipart("mixed", b"\nHello")
    assert sign(content, "--x\n", "") is None
    assert sign(content, "-x\n", "") is not None


def test_lines_that_are_too_long_for_mail_are_not_put_in():
    assert sign(b"\nHello\n", "a" * 999, "") is None
    assert sign(PLAIN % (b"quoted-printable", b"Hello\n"), "a" * 999, "") is not None


def test_no_texts_no_signature():
    assert sign(b"\nHello\n", " \n", "") is None


ENCODINGS = {
    "base64": base64.encodebytes,
    "quoted-printable": quopri.encodestring,
    "8bit": lambda raw: raw,
}
LINES = st.text(st.characters(codec="utf-8", exclude_characters="\r\0"), max_size=120)


@given(
    LINES,
    LINES,
    LINES.filter(str.strip),
    st.sampled_from(sorted(ENCODINGS)),
    st.sampled_from(sorted(ENCODINGS)),
    st.binary(max_size=50),
)
def test_all_other_bytes_stay_and_the_text_is_the_old_one_and_the_signature(
    plain, html, signature, first, second, rest
):
    def part(kind, text, encoding):
        head = f"Content-Type: text/{kind}; charset=utf-8\nContent-Transfer-Encoding: {encoding}\n\n"
        return head.encode() + ENCODINGS[encoding](text.encode())

    mark = b"=_0123456789abcdef"
    attachment = b"Content-Type: application/octet-stream\n\n" + rest
    parts = (part("plain", plain, first), part("html", html, second))
    inner = multipart("alternative", *parts, mark=mark + b"i", head=b"")
    content = multipart("mixed", inner, attachment, mark=mark)
    signed = sign(content, signature, signature)
    assert signed is not None
    before, after = unpack(content, 100), unpack(signed, 100)
    assert [(one.path, one.content_type) for one in before] == [(one.path, one.content_type) for one in after]
    for old, new in zip(before, after, strict=True):
        if old.content_type == "text/plain":
            assert new.content.startswith(old.content)
            assert signature.rstrip("\n").encode() in new.content.replace(b"\r\n", b"\n")
        elif old.content_type != "text/html":
            assert new.content == old.content
    # What stands in front of, between and behind the two texts.
    head, middle, tail = content.partition(parts[0])[0], b"--" + mark + b"i\n", content.partition(parts[1])[2]
    assert signed.startswith(head + parts[0].partition(b"\n\n")[0])
    assert middle + parts[1].partition(b"\n\n")[0] in signed
    assert signed.endswith(tail)


@given(st.binary(max_size=300), st.sampled_from([b"", b"Content-Type: multipart/mixed; boundary=x\n\n--x\n"]))
def test_any_bytes_are_signed_or_left_alone(data, head):
    signed = sign(head + data, TEXT, HTML)
    assert signed is None or len(signed) > len(head + data)
