import pytest

from benchmarks.reference import SPAMD, speed


def test_the_machine_of_the_reference_has_speed_1():
    assert speed(SPAMD) == pytest.approx(1)


def test_a_machine_of_half_the_speed_has_speed_a_half():
    assert speed(SPAMD / 2) == pytest.approx(0.5)
