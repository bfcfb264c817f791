from __future__ import annotations

import pytest

from mailmill.spool import State
from mailmill_milter.negotiation import wanted_steps
from mailmill_milter.protocol.words import Step
from milter_fakes import edge_below

ALWAYS = Step.NR_HELO | Step.NR_RCPT | Step.NR_HEADER | Step.NR_END_OF_HEADERS | Step.NR_BODY
ALWAYS |= Step.NO_DATA | Step.NO_UNKNOWN | Step.HEADER_LEADING_SPACE


@pytest.mark.parametrize(("ignore_loopback", "steps"), [(True, 0), (False, Step.NR_CONNECT)])
def test_connect_is_answered_where_that_may_end_our_interest(tmp_path, ignore_loopback, steps):
    edge = edge_below(tmp_path, ignore_loopback=ignore_loopback)
    assert wanted_steps(edge) == ALWAYS | Step.NR_MAIL | steps


def test_connect_is_answered_while_the_process_is_stopping(tmp_path):
    edge = edge_below(tmp_path, ignore_loopback=False)
    edge.in_hand.drain(0)
    assert wanted_steps(edge) == ALWAYS | Step.NR_MAIL


def test_mail_is_answered_while_no_mail_is_taken(tmp_path):
    edge = edge_below(tmp_path, max_messages=1)
    (tmp_path / State.ACTIVE / "one").touch()
    assert wanted_steps(edge) == ALWAYS


def test_mail_is_answered_while_the_spool_cannot_be_looked_at(tmp_path):
    edge = edge_below(tmp_path)
    edge.gate._statvfs = lambda path: (_ for _ in ()).throw(OSError("gone"))
    assert wanted_steps(edge) == ALWAYS
