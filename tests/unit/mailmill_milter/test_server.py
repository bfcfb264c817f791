from __future__ import annotations

import pytest

from mailmill.envelope import Client, Envelope, Recipient
from mailmill.settings import Settings
from mailmill.spool import State

server = pytest.importorskip("mailmill_milter.server", reason="pymilter is not installed")


@pytest.fixture
def settings(tmp_path):
    for queue in ("in", "out"):
        for state in State:
            (tmp_path / queue / state).mkdir(parents=True)

    def make(**values: str) -> Settings:
        queues = {"Incoming Queue Dir": f"{tmp_path}/in", "Outgoing Queue Dir": f"{tmp_path}/out"}
        return Settings.of(queues | {name.replace("_", " "): value for name, value in values.items()})

    return make


def test_a_new_configuration_makes_another_edge_and_counts_the_same_messages(settings, tmp_path):
    rules = tmp_path / "spam.rules"
    rules.write_text("From: a@example.org yes\n")
    in_force = server.EdgeInForce(server.edge_of(settings()))
    before = in_force.edge
    new = settings(Is_Definitely_Spam=str(rules), MSMail_Queue_Type="long")
    in_force.follow(new)
    envelope = Envelope(
        "a@example.org", (Recipient("b@example.net"),), Client("c.example", "192.0.2.1", 1, "h")
    )
    assert not before.blocklist.refuses(envelope)
    assert in_force.edge.blocklist.refuses(envelope)
    assert in_force.edge.configuration == new.version
    assert in_force.edge.in_hand is before.in_hand
    assert in_force.edge.gate is before.gate


def test_other_limits_count_at_once(settings):
    in_force = server.EdgeInForce(server.edge_of(settings()))
    assert in_force.edge.gate.refusal(0) is None
    in_force.follow(settings(Milter_Min_Free_Space=str(10**17), Milter_Scanner="no"))
    assert "insufficient space" in str(in_force.edge.gate.refusal(0))
    assert in_force.edge.blocklist is None
    in_force.follow(settings())
    assert in_force.edge.gate.refusal(0) is None
