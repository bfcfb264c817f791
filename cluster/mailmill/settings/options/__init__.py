"""The table of all options: every module here defines those of one subject."""

from __future__ import annotations

from types import ModuleType

from mailmill.settings.option import Option
from mailmill.settings.options import (
    cluster,
    delivery,
    metrics,
    milter,
    policy,
    reports,
    scanners,
    subjects,
    system,
    verdicts,
)

#: In the order of the reference page.
MODULES: tuple[ModuleType, ...] = (
    system,
    milter,
    delivery,
    cluster,
    metrics,
    scanners,
    verdicts,
    policy,
    subjects,
    reports,
)


def options_of(module: ModuleType) -> list[Option[object]]:
    """Return the options that a module defines, in its order."""
    return [value for value in vars(module).values() if isinstance(value, Option)]


#: Every option by its key (`option_key` of its name), in the order of the reference page.
TABLE: dict[str, Option[object]] = {option.key: option for module in MODULES for option in options_of(module)}
