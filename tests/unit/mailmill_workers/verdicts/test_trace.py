import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailmill.envelope import Client, Envelope, Recipient, Sasl, Tls
from mailmill_milter.received import received_header
from mailmill_workers.verdicts.trace import without_trace

BODY = b"From: a@example.org\nSubject: x\n\nhello\n"
text = st.text(max_size=40)
clients = st.builds(
    Client,
    text,
    st.sampled_from(["", "192.0.2.1", "2001:db8::1", "odd"]),
    st.just(0),
    text | st.just("x by y"),
)
envelopes = st.builds(
    Envelope,
    text,
    st.lists(st.builds(Recipient, st.emails()), min_size=1, max_size=2).map(tuple),
    clients,
    st.sampled_from([(), ("SMTPUTF8",)]),
    st.none() | st.builds(Tls, text, text, st.integers(0, 256), st.none() | text, st.none() | text),
    st.none() | st.builds(Sasl, text, text),
)
queue_ids = st.text("0123456789ABCDEFbcdfghjklmnpqrstvwxyz", min_size=1, max_size=20)
hosts = st.from_regex(r"[a-z0-9.-]{1,30}", fullmatch=True)
times = st.integers(0, 2**33)


@given(envelopes, hosts, hosts, queue_ids, queue_ids, times, times)
def test_the_header_of_any_edge_leaves_the_same_behind(envelope, host, host2, queue_id, queue_id2, now, now2):
    one = received_header(envelope, hostname=host, queue_id=queue_id, now=now) + BODY
    two = received_header(envelope, hostname=host2, queue_id=queue_id2, now=now2) + BODY
    assert without_trace(one, queue_id) == without_trace(two, queue_id2)
    assert without_trace(one, queue_id)[1] == BODY


# What follows is a header or the empty line: a blank would go on with the edge's header.
@given(envelopes, envelopes, st.binary(max_size=50).filter(lambda body: body[:1] not in {b" ", b"\t"}))
def test_another_client_leaves_something_else(envelope, other, body):
    first = without_trace(received_header(envelope, hostname="e", queue_id="1", now=0) + body, "1")[0]
    second = without_trace(received_header(other, hostname="e", queue_id="1", now=0) + body, "1")[0]

    def shown(of):
        header = received_header(of, hostname="e", queue_id="1", now=0)
        return header.rpartition(b" id 1")[0]

    assert (first == second) == (shown(envelope) == shown(other))


@given(st.binary(max_size=200) | st.just(BODY))
def test_other_content_stays_whole(content):
    assert without_trace(content, "4cXyZ1") == (b"", content)


@pytest.mark.parametrize(
    "content",
    [
        b"Received: from h (n [192.0.2.1])\n\tby edge (Mailmill) with ESMTP id OTHER;\n\tdate\n" + BODY,
        b"Received: from h (n [192.0.2.1])\n\tby edge (Postfix) with ESMTP id 4cXyZ1;\n\tdate\n" + BODY,
        b"X-Received: by edge (Mailmill) id 4cXyZ1;\n\tdate\n" + BODY,
        b"Received: from h (n [192.0.2.1])\n\tby edge (Mailmill) with ESMTP id 4cXyZ1;\n\tdate\n\tmore\n"
        + BODY,
        b"Subject: y\n" + b"Received: by edge (Mailmill) id 4cXyZ1;\n\tdate\n" + BODY,
        b"Received: by edge (Mailmill) id 4cXyZ1;\n\tdate",
    ],
)
def test_what_no_edge_wrote_for_this_message_stays(content):
    assert without_trace(content, "4cXyZ1") == (b"", content)
