from mailmill_milter.queue_manager.relaygate import FIRST, HELD_LIMIT, RelayGate


class Gate(RelayGate):
    def __init__(self, window: int) -> None:
        self.in_flight = 0
        super().__init__(window, lambda: self.in_flight)


def test_the_outgoing_queue_gets_its_share_of_the_window():
    gate = Gate(100)
    assert (gate.incoming, gate.outgoing) == (100, 50)
    gate.in_flight = 20
    assert gate.outgoing == 30
    gate.in_flight = 60
    assert gate.outgoing == 0


def test_while_the_relay_is_held_only_new_mail_goes_and_not_without_end():
    gate = Gate(100)
    gate.hold()
    assert gate.outgoing == 0
    assert gate.incoming > 0
    gate.kept = HELD_LIMIT
    assert gate.incoming == 0


def test_a_relay_that_is_back_gets_a_few_and_then_twice_as_many_each_round():
    gate = Gate(1000)
    gate.hold()
    gate.delivered()
    gate.release()
    rounds = []
    while gate.outgoing < 500:
        rounds.append(gate.outgoing)
        for _ in range(rounds[-1]):
            gate.delivered()
    assert rounds == [FIRST * 2**n for n in range(8)]
    gate.delivered()
    assert gate.outgoing == 500


def test_a_window_of_one_still_delivers():
    gate = Gate(1)
    gate.hold()
    gate.release()
    assert gate.outgoing == 1
