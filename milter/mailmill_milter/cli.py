"""The edge's commands, each imported when it is asked for: they need different libraries."""

from __future__ import annotations

from importlib import import_module
from typing import Any, Final

_COMMANDS: Final = {
    "milter": "mailmill_milter.command",
    "queue_manager": "mailmill_milter.queue_manager.cli",
}


def __getattr__(name: str) -> Any:
    if name not in _COMMANDS:
        raise AttributeError(name)
    return getattr(import_module(_COMMANDS[name]), name)
