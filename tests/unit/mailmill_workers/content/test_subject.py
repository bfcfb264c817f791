import email
import email.policy

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailmill.settings.options.choices import SubjectPlace
from mailmill_workers.content.subject import tag_subject

START, END = SubjectPlace.START, SubjectPlace.END
BODY = b"\nSubject: no header\n\xe9\n"


def tagged(content, text="{Spam?}", place=START):
    return tag_subject(content, text, place).into(content)


def subject(content):
    return email.message_from_bytes(content, policy=email.policy.default)["Subject"]


@pytest.mark.parametrize(
    ("before", "start", "end"),
    [
        (b"Subject: hello\n", b"Subject: {Spam?} hello\n", b"Subject: hello {Spam?}\n"),
        (b"Subject:hello\n", b"Subject: {Spam?} hello\n", b"Subject:hello {Spam?}\n"),
        (b"SUBJECT :\thello \n", b"SUBJECT :\t{Spam?} hello \n", b"SUBJECT :\thello  {Spam?}\n"),
        (b"Subject:\n", b"Subject: {Spam?}\n", b"Subject: {Spam?}\n"),
        (b"Subject: \n", b"Subject: {Spam?} \n", b"Subject: {Spam?} \n"),
        (b"Subject:\n  far\n\tfolded\n", b"Subject: {Spam?}\n  far\n\tfolded\n",
         b"Subject:\n  far\n\tfolded {Spam?}\n"),
        (b"Subject: \xe4 raw\n", b"Subject: {Spam?} \xe4 raw\n", b"Subject: \xe4 raw {Spam?}\n"),
        (b"Subject: =?x?q?=E4?=\n", b"Subject: {Spam?} =?x?q?=E4?=\n", b"Subject: =?x?q?=E4?= {Spam?}\n"),
        (b"Subject: hello\r\n", b"Subject: {Spam?} hello\r\n", b"Subject: hello {Spam?}\r\n"),
        (b"Subject: " + b"x" * 61 + b"\n", b"Subject: {Spam?} " + b"x" * 61 + b"\n",
         b"Subject: " + b"x" * 61 + b" {Spam?}\n"),
        (b"Subject: " + b"x" * 69 + b"\n", b"Subject: {Spam?}\n " + b"x" * 69 + b"\n",
         b"Subject: " + b"x" * 69 + b"\n {Spam?}\n"),
    ],
)  # fmt: skip
def test_the_tag_stands_in_front_of_the_text_or_behind_it(before, start, end):
    around = b"From: a\nX-Subject: other\n", b"Subject: a second one\nTo: b\n" + BODY
    assert tagged(before.join(around)) == start.join(around)
    assert tagged(before.join(around), place=END) == end.join(around)


@pytest.mark.parametrize("place", [START, END])
@pytest.mark.parametrize("content", [b"From: a\n" + BODY, BODY, b"From: a\n", b""])
def test_a_message_without_a_subject_gets_one(content, place):
    assert tagged(content, place=place) == b"Subject: {Spam?}\n" + content


@pytest.mark.parametrize("written", [b"hello", b"=?utf-8?q?hell=C3=B6?=", b"\n =?utf-8?q?hell=C3=B6?=", b""])
def test_a_tag_that_is_not_ascii_is_encoded_and_stands_apart(written):
    content = b"Subject: " + written + b"\n" + BODY
    text = subject(content).strip()
    assert tagged(content, "{Müll?}").isascii() == BODY.isascii()
    assert subject(tagged(content, "{Müll?}")).strip() == f"{{Müll?}} {text}".strip()
    assert subject(tagged(content, "{Müll?}", END)).strip() == f"{text} {{Müll?}}".strip()


def test_a_long_tag_that_is_not_ascii_is_folded():
    content = b"Subject: hello\n" + BODY
    done = tagged(content, "Müll " * 40 + "!")
    assert max(map(len, done.split(b"\n"))) <= 78
    assert subject(done) == "Müll " * 40 + "! hello"


LINES = st.lists(
    st.sampled_from(
        [
            b"Subject:",
            b"subject: ",
            b"Subject: text",
            b" folded",
            b"\t",
            b"\r",
            b"From: a",
            b"",
            b"Su",
            b"x" * 80,
        ]
    )
    | st.binary(max_size=20),
    max_size=12,
).map(b"\n".join)
TAGS = st.text(st.characters(categories=("L", "N", "P", "S")), min_size=1, max_size=30)


@given(content=LINES, text=TAGS, place=st.sampled_from([START, END]))
def test_something_is_inserted_into_the_first_subject_and_every_byte_stays(content, text, place):
    at, added = tag_subject(content, text, place)
    whole = content[:at] + added + content[at:]
    assert whole.startswith(content[:at])
    assert whole.endswith(content[at:])
    assert len(whole) == len(content) + len(added)
    assert added.isascii()
    assert all(line[:1] in {b" ", b"\t"} for line in added.rstrip(b"\n").split(b"\n")[1:])
    head = b"" if content.startswith(b"\n") else content.split(b"\n\n")[0]
    names = [line.partition(b":")[0].rstrip(b" \t").lower() for line in head.split(b"\n") if b":" in line]
    if b"subject" not in names:
        assert (at, added[:9], added[-1:]) == (0, b"Subject: ", b"\n")
        return
    assert not added.endswith(b"\n")
    before = content[:at].lower().replace(b"subject\t", b"subject ").replace(b"subject :", b"subject:")
    assert b"subject:" in before


@given(content=LINES, text=TAGS)
def test_a_tag_in_front_is_what_a_reader_sees_first(content, text):
    shown = subject(tagged(content.replace(b"\x00", b""), text))
    if content[:8].lower() == b"subject:" and text.isascii():
        assert shown.startswith(text)
