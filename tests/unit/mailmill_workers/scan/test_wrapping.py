import email
import email.policy

from hypothesis import given
from hypothesis import strategies as st

from mailmill_workers.scan.wrapping import outside, wrap

CONTENT = (
    b"Received: from x\n\tby y\nDKIM-Signature: v=1\nFrom: a@example.org\nSubject: hello\n"
    b"Content-Type: text/html\n\n<p>\xe9</p>\n"
)


def test_the_message_is_an_attachment_of_the_warning_byte_for_byte():
    head, tail = wrap(CONTENT, b"X-Spam-Status: Yes\n", "Careful, Jürgen!\n", outside(CONTENT))
    whole = head + CONTENT + tail
    assert whole.startswith(
        b"X-Spam-Status: Yes\nReceived: from x\n\tby y\nFrom: a@example.org\nSubject: hello\n"
    )
    message = email.message_from_bytes(whole, policy=email.policy.default)
    assert message.get_content_type() == "multipart/mixed"
    assert message["DKIM-Signature"] is None
    text, attached = message.iter_parts()
    assert text.get_content() == "Careful, Jürgen!\n"
    assert attached.get_content_type() == "message/rfc822"
    assert attached.get_content_disposition() == "attachment"
    inner = attached.get_content()
    assert inner["DKIM-Signature"] == "v=1"
    assert inner.get_payload(decode=True) == b"<p>\xe9</p>\n"
    assert attached["Content-Transfer-Encoding"] == message["Content-Transfer-Encoding"] == "8bit"


@given(st.binary(max_size=300))
def test_any_message_stays_whole_between_the_boundaries(content):
    head, tail = wrap(content, b"", "x", outside(content))
    mark = tail.strip().removeprefix(b"--").removesuffix(b"--")
    parts = (head + content + tail).split(b"\n--" + mark)
    assert len(parts) == 4
    assert parts[2].partition(b"\n\n")[2] == content
    assert (head, tail) == wrap(content, b"", "x", outside(content))
