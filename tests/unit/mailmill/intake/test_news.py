"""Who counts messages does not keep them from whom they are news for."""

import pytest

from mailmill.intake import IntakeWriter
from mailmill.intake.directories import ALL
from mailmill.spool import Spool, State

ONE, TWO = (f"01HZZZZZZZABCDEFGH-{number}XyZ" for number in range(1, 3))


@pytest.fixture
def spool(tmp_path):
    for name in (*State, *ALL):
        (tmp_path / name).mkdir()
    found = Spool(tmp_path)
    found.intake.take_charge()
    return found


def test_messages_that_somebody_has_counted_are_still_new_to_the_next_look(spool):
    to = IntakeWriter(spool.root)
    to.append(ONE, b"1")
    assert [entry.name for entry in spool.entries(State.ACTIVE)] == [ONE]
    to.append(TWO, b"2")
    assert sorted(spool.names(State.ACTIVE)) == [ONE, TWO]
    (segment,) = (path.name for path in (spool.root / "intake" / "log").iterdir())
    assert spool.intake.look_at([segment]) == [ONE, TWO]
    assert spool.intake.look() == []


def test_messages_that_have_ended_meanwhile_are_no_news(spool):
    IntakeWriter(spool.root).append(ONE, b"1")
    list(spool.entries(State.ACTIVE))
    spool.remove(ONE, State.ACTIVE)
    assert spool.intake.look() == []
