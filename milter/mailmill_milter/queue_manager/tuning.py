"""What of the settings a running queue manager goes by, and how it takes others over between two turns."""

from __future__ import annotations

from dataclasses import dataclass

from mailmill.settings import Settings
from mailmill.settings.options.cluster import (
    MAX_BYTES_IN_FLIGHT,
    MAX_MESSAGES_IN_FLIGHT,
    MAX_UNSCANNED_BYTES,
    MAX_UNSCANNED_MESSAGES,
    MAXIMUM_PROCESSING_ATTEMPTS,
    MESSAGE_LEASE,
)
from mailmill.settings.options.delivery import (
    DELAY_WARNING_TIME,
    MAXIMAL_BACKOFF_TIME,
    MAXIMUM_QUEUE_LIFETIME,
    MINIMAL_BACKOFF_TIME,
)
from mailmill_milter.gate import Gate
from mailmill_milter.gate import Limits as PressureLimits
from mailmill_milter.queue_manager.backoff import Backoff
from mailmill_milter.queue_manager.delaywarning import DelayWarnings
from mailmill_milter.queue_manager.feed import Feeder, Limits
from mailmill_milter.queue_manager.manager import QueueManager
from mailmill_milter.queue_manager.relaygate import RelayGate
from mailmill_milter.queue_manager.suspects import Suspects
from mailmill_milter.queue_manager.window import Window


def limits_of(settings: Settings) -> Limits:
    """Return how much one scan task takes, and the lease."""
    return Limits(settings[MAX_UNSCANNED_MESSAGES], settings[MAX_UNSCANNED_BYTES], settings[MESSAGE_LEASE])


def backoff_of(settings: Settings) -> Backoff:
    """Return when to try again, and for how long."""
    return Backoff(
        settings[MINIMAL_BACKOFF_TIME], settings[MAXIMAL_BACKOFF_TIME], settings[MAXIMUM_QUEUE_LIFETIME]
    )


@dataclass(frozen=True)
class Tuning:
    """The parts of a queue manager that have settings."""

    #: Says for the metrics what the milter's gates say.
    pressure: Gate
    window: Window
    gate: RelayGate
    feeder: Feeder
    suspects: Suspects
    warnings: DelayWarnings
    manager: QueueManager

    def follow(self, settings: Settings) -> None:
        """Go by other settings from now on, in the thread that acts."""
        self.pressure.follow(PressureLimits.of(settings))
        self.window.resize(settings[MAX_MESSAGES_IN_FLIGHT], settings[MAX_BYTES_IN_FLIGHT])
        self.gate.resize(settings[MAX_MESSAGES_IN_FLIGHT])
        self.feeder.limits = limits_of(settings)
        self.suspects.attempts = settings[MAXIMUM_PROCESSING_ATTEMPTS]
        self.manager.backoff = backoff_of(settings)
        self.warnings.after = settings[DELAY_WARNING_TIME]
        self.warnings.lifetime = self.manager.backoff.lifetime
