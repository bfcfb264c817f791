"""Short ways to give Prometheus values that are looked up when it asks for them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

#: The values of a metric by those of its labels; a metric without labels has the key ().
Values = Mapping[tuple[str, ...], float]


def gauge(name: str, meaning: str, labels: Sequence[str], values: Values) -> GaugeMetricFamily:
    """Return a metric that goes up and down."""
    family = GaugeMetricFamily(name, meaning, labels=labels)
    for key, value in values.items():
        family.add_metric(key, value)
    return family


def counter(name: str, meaning: str, labels: Sequence[str], values: Values) -> CounterMetricFamily:
    """Return a metric that only grows while its process lives; `name` ends in `_total`."""
    family = CounterMetricFamily(name, meaning, labels=labels)
    for key, value in values.items():
        family.add_metric(key, value)
    return family
