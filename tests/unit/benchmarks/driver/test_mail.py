import statistics

from hypothesis import given
from hypothesis import strategies as st

from benchmarks.driver.mail import messages, sizes, synthetic, wire
from benchmarks.driver.orders import Mail

lines = st.lists(st.binary(max_size=20).map(lambda line: line.replace(b"\n", b"").replace(b"\r", b"")))


def unwire(data):
    assert data.endswith(b"\r\n.\r\n") or data == b"\r\n.\r\n"
    text = b"\r\n" + data.removesuffix(b".\r\n")
    return text.replace(b"\r\n..", b"\r\n.").replace(b"\r\n", b"\n")[1:]


@given(lines)
def test_what_is_sent_is_the_message_with_doubled_dots(text):
    message = b"".join(line + b"\n" for line in text)
    data = wire(message)
    assert b"\r\n.\r\n" not in data[:-2]
    assert unwire(data) == (message or b"\n")


def test_a_leading_dot_is_doubled():
    assert wire(b".\n..x\n") == b"..\r\n...x\r\n.\r\n"


def test_sizes_are_repeatable_and_lie_around_their_median():
    found = sizes(Mail(median=4000), 2001)
    assert found == sizes(Mail(median=4000), 2001)
    assert 3500 < statistics.median(found) < 4500
    assert sizes(Mail(median=700, sigma=0), 2) == [700, 700]


def test_synthetic_messages_differ_and_have_their_size():
    one, other = synthetic(10_000, "1"), synthetic(10_000, "2")
    assert one != other
    assert 9_800 < len(one) <= 10_000
    assert len(messages(Mail(), 3)) == 3


def test_a_small_corpus_is_sent_again_and_again(tmp_path):
    group = tmp_path / "ham"
    group.mkdir()
    for name in "ab":
        (group / f"{name}.txt").write_text(f"Subject: {name}\n\n{name}\n")
    found = messages(Mail(str(tmp_path)), 5)
    assert len(found) == 5
    assert len(set(found)) == 2
