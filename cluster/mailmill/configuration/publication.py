"""A publication: that a version of the configuration is in force for the cluster from a moment on."""

from __future__ import annotations

from msgspec import Struct


class Publication(Struct, frozen=True):
    """One publication. A version that is published again, to go back to it, has another number."""

    #: Milliseconds since the epoch by Redis's clock, and more than the number before: the highest is in
    #: force, also where a Redis has lost its data and someone who remembers puts a publication back.
    number: int
    #: The version of the files, as `mailmill.settings.version` makes it.
    version: str
    #: Who published it, and where: `USER@HOST`.
    who: str
    #: How many files it has.
    files: int
    #: Bytes of all files together.
    size: int

    @property
    def time(self) -> float:
        """When it was published, in seconds since the epoch."""
        return self.number / 1000
