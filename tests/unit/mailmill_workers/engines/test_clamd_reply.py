import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailmill.findings import Clean, Found, Unscannable
from mailmill_workers.engines.clamd import judge
from mailmill_workers.engines.turns import NoAnswerError


def test_ok_is_clean():
    assert judge(b"stream: OK\0") == Clean()


def test_found_gives_the_name():
    assert judge(b"stream: Win.Test.EICAR_HDB-1 FOUND\0") == Found(("Win.Test.EICAR_HDB-1",))


def test_a_name_that_is_not_utf8_is_still_found():
    assert judge(b"stream: \xff FOUND\0") == Found(("\ufffd",))


@pytest.mark.parametrize(
    "reply",
    [
        b"INSTREAM size limit exceeded. ERROR\0",
        b"stream: Heuristics.Limits.Exceeded.MaxFileSize FOUND\0",
        b"stream: Heuristics.Limits.Exceeded FOUND\0",
        b"stream: Heuristics.Encrypted.Zip FOUND\0",
    ],
)
def test_what_clamd_could_not_look_into_is_unscannable(reply):
    assert isinstance(judge(reply), Unscannable)


@pytest.mark.parametrize(
    "reply",
    [
        b"",
        b"stream: OK",
        b"stream: OK\n",
        b"OK\0",
        b"stream: Can't allocate memory ERROR\0",
        b"COMMAND READ TIMED OUT\0",
        b"UNKNOWN COMMAND\0",
        b"stream: FOUN\0",
    ],
)
def test_everything_else_is_no_answer(reply):
    with pytest.raises(NoAnswerError):
        judge(reply)


@given(st.binary(max_size=100))
def test_only_the_whole_reply_means_clean(reply):
    try:
        answer = judge(reply)
    except NoAnswerError:
        return
    assert answer != Clean() or reply.rstrip(b"\0") == b"stream: OK"
