from __future__ import annotations

from unittest.mock import Mock

from mailmill.settings import Settings
from mailmill_milter.gate import Gate, Limits
from mailmill_milter.queue_manager.delaywarning import DelayWarnings
from mailmill_milter.queue_manager.relaygate import RelayGate
from mailmill_milter.queue_manager.suspects import Suspects
from mailmill_milter.queue_manager.tuning import Tuning
from mailmill_milter.queue_manager.window import Window


def test_a_running_queue_manager_goes_by_other_settings():
    window = Window(1000, 10**6)
    gate = RelayGate(1000, lambda: 0)
    suspects = Suspects(6)
    feeder, manager = Mock(), Mock()
    warnings = DelayWarnings(0, 100, feeder, Mock())
    settings = Settings.of(
        {
            "Max Messages In Flight": "10",
            "Milter Max Spool Messages": "77",
            "Max Bytes In Flight": "5000",
            "Max Unscanned Messages Per Scan": "7",
            "Maximum Processing Attempts": "2",
            "Maximum Queue Lifetime": "1h",
            "Minimal Backoff Time": "9",
            "Delay Warning Time": "30m",
        }
    )
    pressure = Gate(Mock(), Mock(), Limits())
    Tuning(pressure, window, gate, feeder, suspects, warnings, manager).follow(settings)
    assert pressure._limits.max_messages == 77
    assert window.max_messages == 10
    assert window.has_room(10, 5000)
    assert not window.has_room(2, 5001)
    assert gate.outgoing == 5
    assert feeder.limits.batch_messages == 7
    assert suspects.attempts == 2
    assert (manager.backoff.minimum, manager.backoff.lifetime) == (9, 3600)
    assert (warnings.after, warnings.lifetime) == (1800, 3600)


def test_a_relay_that_is_being_tried_stays_so_when_the_window_changes():
    gate = RelayGate(1000, lambda: 0)
    gate.hold()
    gate.release()
    gate.resize(2000)
    assert gate.outgoing == 2
