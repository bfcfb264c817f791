"""The table of all options: every module here defines those of one subject."""

from __future__ import annotations

from mailmill.settings.option import Option
from mailmill.settings.options import cluster, delivery, milter, policy, scanners, system

_MODULES = (system, milter, delivery, cluster, scanners, policy)

#: Every option by its key (`option_key` of its name), in the order of the reference page.
TABLE: dict[str, Option[object]] = {
    value.key: value for module in _MODULES for value in vars(module).values() if isinstance(value, Option)
}
