"""What the proxy says of submissions decides which duplicates are explained; these tests open no socket."""

from __future__ import annotations

from faults.relayproxy import _recipients
from mailmill_workers.deliver.qmqp import encode_submission


def test_the_recipients_of_a_submission_are_read_from_its_netstrings():
    payload = encode_submission(
        b"Subject: 3:a,b\n\n7:x,\n", "s@example.org", ("a@example.com", "b,1:@example.com")
    )
    assert _recipients(payload) == ["a@example.com", "b,1:@example.com"]
