import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailmill.findings import Clean, Failed, Found, Scored, SpamAnswer, Unscannable, VirusAnswer
from mailmill_workers.verdicts.answers import read, write

texts = st.text(st.characters(exclude_categories=()))
finite = st.floats(allow_nan=False, allow_infinity=False)
scored = st.builds(Scored, finite, st.lists(st.tuples(texts, finite)).map(tuple))
found = st.builds(Found, st.lists(texts, min_size=1).map(tuple))


@given(st.one_of(found, st.just(Clean())), scored)
def test_answers_come_back_as_they_were(virus, spam):
    assert read(write(virus), VirusAnswer) == virus
    assert read(write(spam), SpamAnswer) == spam


@given(st.one_of(found, scored), st.data())
def test_a_piece_of_an_answer_is_none(answer, data):
    value = write(answer)
    assert read(value[: data.draw(st.integers(0, len(value) - 1))], VirusAnswer | SpamAnswer) is None


@given(st.binary())
def test_anything_else_is_no_answer(value):
    assert read(value, VirusAnswer) is None


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        (None, VirusAnswer),
        (b"", VirusAnswer),
        (b"{}", VirusAnswer),
        (b'{"type":"Found","names":[]}', VirusAnswer),
        (b'{"type":"Found","names":"Eicar"}', VirusAnswer),
        (write(Unscannable("large")), VirusAnswer),
        (write(Failed("down")), VirusAnswer),
        (write(Failed("down")), SpamAnswer),
        (write(Scored(1.0)), VirusAnswer),
        (write(Clean()), SpamAnswer),
        (b'{"type":"Scored","score":NaN}', SpamAnswer),
        (b'{"type":"Scored","score":1,"symbols":[["A",Infinity]]}', SpamAnswer),
        (b'{"type":"Scored","score":"1"}', SpamAnswer),
    ],
)
def test_what_must_not_be_taken_for_an_answer(value, kind):
    assert read(value, kind) is None
