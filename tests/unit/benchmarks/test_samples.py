import pytest

from benchmarks.samples import parse_highest


def test_the_highest_size_is_read_in_bytes():
    assert parse_highest("Name:\tx\nVmPeak:\t 9 kB\nVmHWM:\t   2048 kB\nVmRSS:\t 1 kB\n") == 2048 * 1024


def test_a_kernel_thread_has_none():
    with pytest.raises(ValueError, match="VmHWM"):
        parse_highest("Name:\tkthreadd\n")
