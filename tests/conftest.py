"""What all tests share."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

# How long an example takes says nothing on a machine that others use too.
settings.register_profile("mailmill", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("mailmill")
