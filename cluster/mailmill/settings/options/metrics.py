"""Options of the metrics for Prometheus."""

from __future__ import annotations

from typing import Final

from mailmill.settings.kinds import TEXT, whole_number
from mailmill.settings.option import Effect, Option, Origin

METRICS_BIND: Final = Option(
    "Metrics Bind",
    TEXT,
    default="127.0.0.1",
    origin=Origin.MAILMILL,
    effect=Effect.START,
    description="The address at which metrics are served to Prometheus. They have no password.",
)
METRICS_PORT: Final = Option(
    "Metrics Port",
    whole_number(0, 65_535),
    default="0",
    origin=Origin.MAILMILL,
    effect=Effect.START,
    description="The TCP port at which the queue manager serves the metrics of its edge. 0: it does not.",
)
RECORDER_METRICS_PORT: Final = Option(
    "Recorder Metrics Port",
    whole_number(0, 65_535),
    default="0",
    origin=Origin.MAILMILL,
    effect=Effect.START,
    description="The TCP port at which the recorder serves the metrics of the cluster. 0: it does not.",
)
