from benchmarks.goals import Goal
from benchmarks.table import Table, load, render


def table():
    made = Table("edge", "Edge")
    for run in (1, 2, 4):
        made.add("postfix 1", "msg/s", 100 * run)
        made.add("unix 1", "msg/s", 300)
        made.add("unix 1", "milter ms", 0.5)
    return made


def test_ratios_are_taken_run_by_run():
    assert table().ratios("unix 1", "postfix 1", "msg/s") == [3, 1.5, 0.75]
    assert table().ratios("unix 1", "inet 1", "msg/s") == []


def test_a_cell_shows_the_median_and_the_ends_where_they_differ():
    lines = render(table()).splitlines()
    assert lines[0] == "Edge"
    assert lines[1].split() == ["msg/s", "milter", "ms"]
    assert lines[2].split() == ["postfix", "1", "200", "(100-400)"]
    assert lines[3].split() == ["unix", "1", "300", "0.5"]


def test_a_table_is_read_as_it_was_saved(tmp_path):
    made = table()
    made.goals.append(Goal(1, "x", 2, 1))
    made.notes.append("a note")
    assert load(made.save(tmp_path / "results")) == made


def test_what_was_not_measured_has_no_median():
    assert table().median("unix 1", "msg/s") == 300
    assert table().median("inet 1", "msg/s") is None
    assert table().median("postfix 1", "milter ms") is None
