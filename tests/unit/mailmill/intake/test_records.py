"""The format of a segment: whatever is damaged, nothing is lost silently and nothing is made up."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from mailmill.intake import records
from mailmill.intake.records import Gap, Record, arrived, arrived_line, ended, ended_line, frame, walk

#: Bytes of a spool file: none is shorter than a frame.
SHORTEST = 150


def name_of(number: int) -> str:
    return f"01J0000000{number:08d}-4X{number}"


FORGED = frame(name_of(99_999), SHORTEST) + b"y" * SHORTEST
FORGED_LINE = arrived_line(Record(name_of(99_999), 0, 10, 20))

#: What a sender can write, and tries.
messages = st.one_of(
    st.binary(min_size=SHORTEST, max_size=400),
    st.integers(0, 3).map(lambda times: b"x" * SHORTEST + FORGED * times + FORGED_LINE),
    st.integers(SHORTEST, 400).map(bytes),
)
segments = st.lists(messages, min_size=1, max_size=6)


def segment_of(contents):
    data, found = b"", []
    for number, content in enumerate(contents):
        head = frame(name_of(number), len(content))
        found.append(Record(name_of(number), len(data), len(data) + len(head), len(content)))
        data += head + content
    return data, found


def walked(data, known=()):
    return list(walk(lambda offset, size: data[offset : offset + size], len(data), known))


@given(segments, st.data())
def test_what_was_written_is_read_whoever_was_told_of(contents, drawn):
    data, expected = segment_of(contents)
    known = drawn.draw(st.lists(st.sampled_from(expected), unique=True))
    assert walked(data, known) == expected
    assert [data[each.offset : each.end] for each in expected] == contents


@given(segments, st.integers(1, 3000))
def test_zeros_written_ahead_are_no_records(contents, zeros):
    data, expected = segment_of(contents)
    *found, gap = walked(data + bytes(zeros))
    assert found == expected
    assert (gap.start, gap.end) == (len(data), len(data) + zeros)


@given(segments, st.data())
def test_a_voided_record_is_left_out_and_hides_no_other(contents, drawn):
    data, expected = segment_of(contents)
    gone = drawn.draw(st.sampled_from(expected))
    changed = data[: gone.start] + records.VOIDED + data[gone.start + len(records.VOIDED) :]
    assert walked(changed) == [each for each in expected if each is not gone]


@given(segments, st.data())
def test_of_a_truncated_segment_all_whole_records_are_read_and_no_other(contents, drawn):
    data, expected = segment_of(contents)
    cut = drawn.draw(st.integers(0, len(data)))
    found = walked(data[:cut])
    whole = [each for each in expected if each.end <= cut]
    assert [each for each in found if isinstance(each, Record)] == whole
    end = whole[-1].end if whole else 0
    assert [each for each in found if isinstance(each, Gap)] == (
        [Gap(end, cut, unfinished=True)] if cut > end else []
    )


@given(segments, st.data())
def test_acknowledged_records_of_a_truncated_segment_are_told_of_if_they_begin_in_it(contents, drawn):
    data, expected = segment_of(contents)
    cut = drawn.draw(st.integers(0, len(data)))
    found = walked(data[:cut], expected)
    assert found == [each for each in expected if each.start < cut]


def flipped(data, drawn):
    at = drawn.draw(st.integers(0, len(data) - 1))
    return data[:at] + bytes([data[at] ^ (1 << drawn.draw(st.integers(0, 7)))]) + data[at + 1 :]


@given(segments, st.data())
def test_a_flipped_bit_hides_no_record_that_was_told_of(contents, drawn):
    data, expected = segment_of(contents)
    assert walked(flipped(data, drawn), expected) == expected


@given(segments, st.data())
def test_what_a_flipped_bit_hides_is_kept_for_a_person_and_nothing_is_made_up(contents, drawn):
    data, expected = segment_of(contents)
    known = drawn.draw(st.lists(st.sampled_from(expected), unique=True))
    found = walked(flipped(data, drawn), known)
    assert set(known) <= set(found)
    assert [each for each in found if isinstance(each, Record)] == [
        each for each in expected if each in found
    ]
    gaps = [each for each in found if isinstance(each, Gap)]
    for hidden in set(expected) - set(found):
        (gap,) = (gap for gap in gaps if gap.start <= hidden.start and hidden.end <= gap.end)
        assert not gap.unfinished


@given(st.binary(max_size=500), st.lists(st.tuples(st.integers(0, 400), st.integers(0, 400)), max_size=3))
def test_bytes_of_any_kind_are_walked_to_their_end(data, places):
    known = [
        Record(name_of(number), start, start + 1, length) for number, (start, length) in enumerate(places)
    ]
    position = 0
    for each in walked(data, known):
        assert each.start == position
        position = each.end
    assert position >= len(data)


lines_of = st.lists(
    st.builds(Record, st.integers(0, 999).map(name_of), *[st.integers(0, 10**12)] * 3), max_size=8
)


@given(lines_of, st.data())
def test_lines_of_arrived_are_read_as_they_come(told, drawn):
    lines = b"".join(map(arrived_line, told))
    found, at = [], 0
    for reach in [*sorted(drawn.draw(st.lists(st.integers(0, len(lines))))), len(lines)]:
        more, read = arrived(lines[at : max(at, reach)])
        found += more
        at += read
    assert found == told


@given(lines_of, lines_of, st.data())
def test_a_line_that_was_cut_off_tells_of_nothing_and_spoils_no_other(before, after, drawn):
    torn = arrived_line(Record(name_of(5000), 12345, 12400, 678901))
    torn = torn[: drawn.draw(st.integers(0, len(torn) - 1))]
    found, _ = arrived(b"".join(map(arrived_line, before)) + torn + b"".join(map(arrived_line, after)))
    assert found == before + after


@given(lines_of.filter(bool), st.data())
def test_a_line_with_a_flipped_bit_leads_nowhere(told, drawn):
    found, _ = arrived(flipped(b"".join(map(arrived_line, told)), drawn))
    assert set(found) <= set(told)
    assert len(found) >= len(told) - 1


@given(st.lists(st.integers(0, 999).map(name_of)), st.integers(0, 30), st.binary(max_size=20))
def test_ends_are_read_behind_a_line_that_was_cut_off(names, kept, rubbish):
    torn = ended_line(name_of(5000))[:kept]
    lines = torn + b"".join(map(ended_line, names)) + b"\n" + rubbish.replace(b"\n", b"")
    found, reach = ended(lines)
    assert [each for each in found if each in names] == names
    assert reach == len(lines) - len(rubbish.replace(b"\n", b""))


@given(st.binary())
def test_lines_of_any_kind_are_no_error(rubbish):
    for _, reach in (arrived(rubbish), ended(rubbish)):
        assert 0 <= reach <= len(rubbish)
