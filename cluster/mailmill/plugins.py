"""Plug-ins: what other packages add through entry points (see docs/plugins.md)."""

from __future__ import annotations

from importlib.metadata import EntryPoint, entry_points
from typing import Any, Final

#: Custom functions: `Option = &Name`.
FUNCTIONS: Final = "mailmill.functions"
#: Scan engines: a word in `Virus Scanners` or `Spam Scanner`.
ENGINES: Final = "mailmill.engines"


class PluginError(Exception):
    """A plug-in is there and cannot be used; the text names it and says why."""


def find_plugin(group: str, name: str) -> EntryPoint | None:
    """Return a plug-in that is installed; it is not loaded yet."""
    return next(iter(entry_points(group=group, name=name)), None)


def plugin_names(group: str) -> frozenset[str]:
    """Return the names of all plug-ins that are installed. This reads the metadata of every package."""
    return frozenset(entry_points(group=group).names)


def load_plugin(point: EntryPoint) -> Any:
    """Return what a plug-in offers: its factory.

    Raises:
        PluginError: it cannot be imported, or is nothing that can be called.
    """
    try:
        factory = point.load()
    except Exception as exc:  # whatever the package does when it is imported
        raise PluginError(f"the plug-in {point.name} cannot be loaded: {exc!r}") from exc
    if not callable(factory):
        raise PluginError(f"the plug-in {point.name} is {factory!r}, which cannot be called")
    return factory
