"""Serving metrics over HTTP, for a Prometheus that fetches them."""

from __future__ import annotations

import logging
import threading
from typing import Final

from prometheus_client import (
    CollectorRegistry,
    Info,
    ProcessCollector,
    disable_created_metrics,
    start_http_server,
)

import mailmill
from mailmill.settings import Settings
from mailmill.settings.option import Option
from mailmill.settings.options.metrics import METRICS_BIND

log = logging.getLogger(__name__)

#: What the names of all our metrics begin with; those of the process itself have their usual names.
PREFIX: Final = "mailmill_"


def new_registry() -> CollectorRegistry:
    """Return a registry with what every process tells: its version, processor time, memory and files."""
    # A second number for each metric, which nobody asks for; a function that has no types.
    disable_created_metrics()  # type: ignore[no-untyped-call]
    registry = CollectorRegistry()
    Info(f"{PREFIX}build", "The version that runs.", registry=registry).info(
        {"version": mailmill.__version__}
    )
    ProcessCollector(registry=registry)
    return registry


def serve(registry: CollectorRegistry, settings: Settings, port: Option[int]) -> None:
    """Serve a registry at `Metrics Bind` and the port of an option, until the process ends; 0 is off.

    A port that cannot be had is told in the log and stops nothing: mail is worth more than its metrics.
    """
    if settings[port]:
        # On a thread, because a server asks the resolver for its own name before it serves.
        arguments = (registry, settings[METRICS_BIND], settings[port], port.name)
        threading.Thread(target=_start, args=arguments, name="metrics", daemon=True).start()


def _start(registry: CollectorRegistry, host: str, port: int, option: str) -> None:
    try:
        start_http_server(port, host, registry)
    except OSError as exc:
        log.error("no metrics: %s %s on %s: %s", option, port, host, exc.strerror or exc)  # noqa: TRY400 - no trace wanted
    else:
        log.info("metrics: http://%s:%s/metrics", f"[{host}]" if ":" in host else host, port)
