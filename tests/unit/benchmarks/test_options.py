import pytest

from benchmarks import backlog, scaling
from mailmill.settings.option import option_key
from mailmill.settings.options import TABLE

USED = {name for options in backlog.ENGINES.values() for name in options} | scaling.OPTIONS.keys()


@pytest.mark.parametrize("name", sorted(USED))
def test_the_options_that_systems_are_started_with_exist(name):
    assert option_key(name) in TABLE
