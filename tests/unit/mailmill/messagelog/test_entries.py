from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailmill.errors import RecordError
from mailmill.mailids import new_mail_id
from mailmill.messagelog.entries import PACK, from_fields, to_fields
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


PACKS = st.lists(EVENTS, min_size=1, max_size=PACK)


@given(PACKS, st.integers(0, 10**15), st.integers(0, 10**9))
def test_events_survive_the_stream(events, milliseconds, sequence):
    entries = list(from_fields(b"%d-%d" % (milliseconds, sequence), to_fields(events)))
    assert [entry.event for entry in entries] == events
    assert {entry.milliseconds for entry in entries} == {milliseconds}


@given(PACKS, PACKS, st.integers(0, 10**9))
def test_each_event_has_its_own_place_in_the_order_of_the_stream(first, second, sequence):
    entries = [
        *from_fields(b"1-%d" % sequence, to_fields(first)),
        *from_fields(b"1-%d" % (sequence + 1), to_fields(second)),
    ]
    places = [entry.place for entry in entries]
    assert places == sorted(set(places))


@given(st.dictionaries(st.sampled_from([b"0", b"x"]), st.binary(), min_size=1), st.binary())
def test_any_other_bytes_are_refused(fields, entry_id):
    found = list(from_fields(entry_id, fields))
    assert found
    assert all(isinstance(one, RecordError) for one in found)


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
    event = Event(time=1_700_000_000.5, mail_id=MAIL_ID, step=Step.ACCEPTED, node="edge1")
    fields = to_fields([event, event])
    broken = {**fields, b"0": fields[b"0"].replace(old, new)}
    assert broken != fields
    refused, other = from_fields(b"1-0", broken)
    assert isinstance(refused, RecordError)
    assert other.event == event
