import pytest

from benchmarks.reference import POSTFIX, speed


def test_the_machine_of_the_reference_has_speed_1():
    assert speed(POSTFIX) == pytest.approx(1)


def test_a_machine_of_half_the_speed_has_speed_a_half():
    assert speed({connections: rate / 2 for connections, rate in POSTFIX.items()}) == pytest.approx(0.5)


def test_all_rows_of_postfix_are_needed():
    with pytest.raises(KeyError):
        speed({1: 700})
