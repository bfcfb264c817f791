from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailmill.errors import RecordError
from mailmill.mailids import new_mail_id
from mailmill.messagelog.entries import from_fields, to_fields
from mailmill.messagelog.events import Event, Step
from mailmill.messagelog.measured import EngineAnswer, Measured

MAIL_ID = new_mail_id(1_700_000_000.5, "4bXyZw")

EVENTS = st.builds(
    Event,
    time=st.floats(allow_nan=False, allow_infinity=False),
    mail_id=st.just(MAIL_ID),
    step=st.sampled_from(Step),
    node=st.text(),
    # Text may hold lone surrogates: bytes that were not UTF-8 on the wire.
    detail=st.text(st.characters(exclude_categories=())),
    queue_id=st.text(),
    message_id=st.text(st.characters(exclude_categories=())),
    measured=st.none()
    | st.builds(
        Measured,
        verdicts=st.lists(st.text()).map(tuple),
        seconds=st.floats(0, 1e6),
        answers=st.lists(
            st.builds(
                EngineAnswer,
                engine=st.text(),
                answer=st.text(),
                seconds=st.floats(0, 1e6),
                cached=st.booleans(),
            )
        ).map(tuple),
    ),
)


@given(EVENTS, st.integers(0, 10**15), st.integers(0, 10**9))
def test_an_event_survives_the_stream(event, milliseconds, sequence):
    entry = from_fields(b"%d-%d" % (milliseconds, sequence), to_fields(event))
    assert entry.event == event
    assert entry.place == (milliseconds, sequence)


@given(st.dictionaries(st.sampled_from([b"e", b"x"]), st.binary()), st.binary())
def test_any_other_bytes_are_refused(fields, entry_id):
    with pytest.raises(RecordError):
        from_fields(entry_id, fields)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (MAIL_ID.encode(), b"nobody"),
        (b'"accepted"', b'"teleported"'),
        (b"1700000000.5", b"NaN"),
        (b"1700000000.5", b"1e999"),
    ],
)
def test_an_event_that_cannot_be_stored_is_refused(old, new):
    fields = to_fields(Event(time=1_700_000_000.5, mail_id=MAIL_ID, step=Step.ACCEPTED, node="edge1"))
    broken = {name: value.replace(old, new) for name, value in fields.items()}
    assert broken != fields
    with pytest.raises(RecordError):
        from_fields(b"1-0", broken)
