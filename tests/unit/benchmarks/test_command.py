import pytest

from benchmarks.command import MEASURES, main


@pytest.mark.parametrize("arguments", [["egde"], ["edge", "--only=unixx"]])
def test_what_does_not_exist_is_not_left_out_in_silence(arguments, capsys):
    assert main(arguments) == 2
    assert "there is no" in capsys.readouterr().err


def test_there_is_a_table_for_each_goal():
    assert list(MEASURES) == ["edge", "backlog", "latency", "scaling", "memory", "waiting"]
