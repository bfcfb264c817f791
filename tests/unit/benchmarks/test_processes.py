import pytest

from benchmarks.processes import TICKS, cpu_by_session, parse_busy, parse_memory, parse_stat

TAIL = "20 0 1 0 14761 1000 2000"


def line(pid=7, name="postfix", parent=1, session=5, times=(10, 20, 30, 40)):
    return f"{pid} ({name}) S {parent} 7 {session} 0 -1 4194304 1 2 3 4 {' '.join(map(str, times))} {TAIL}\n"


def test_a_line_of_stat_gives_parent_session_and_time_with_that_of_ended_children():
    stat = parse_stat(line())
    assert (stat.pid, stat.name, stat.parent, stat.session) == (7, "postfix", 1, 5)
    assert stat.cpu == 100 / TICKS


def test_a_name_may_hold_blanks_and_brackets():
    assert parse_stat(line(name="a) S 9 (b")).name == "a) S 9 (b"


@pytest.mark.parametrize("text", ["", "7 (x) S 1 2", "7 x S 1 2 3"])
def test_what_is_no_line_of_stat_is_refused(text):
    with pytest.raises(ValueError, match="no line of"):
        parse_stat(text)


def test_a_session_has_the_time_of_its_members_only(tmp_path):
    for pid, session in ((1, 5), (2, 5), (3, 6)):
        (tmp_path / str(pid)).mkdir()
        (tmp_path / str(pid) / "stat").write_text(line(pid, session=session))
    assert cpu_by_session({5, 9}, tmp_path) == {5: 200 / TICKS, 9: 0}


def test_waiting_for_disks_is_not_busy():
    assert parse_busy("cpu  1 2 4 800 1600 8 16 0 0 0\ncpu0 1 1 1\n") == (1 + 2 + 4 + 8 + 16) / TICKS


def test_memory_is_read_in_bytes():
    text = "5581 ffff r-xp 0 00:00 0 [rollup]\nRss:    2048 kB\nPss:    1024 kB\nPss_Dirty: 3 kB\n"
    found = parse_memory(text)
    assert (found.resident, found.proportional) == (2048 * 1024, 1024 * 1024)
