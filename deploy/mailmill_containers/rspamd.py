"""Rspamd with everything that its package brings: DNS, RBLs, fuzzy hashes."""

from __future__ import annotations

from mailmill_local.servers.base import program
from mailmill_local.servers.rspamd import Rspamd


class NetworkRspamd(Rspamd):
    """rspamd with the configuration of its package and /etc/rspamd/local.d, which names address and port."""

    def render(self) -> None:
        """Write nothing: the image has it."""

    def command(self) -> list[str]:
        """Return the command line."""
        return [program("rspamd"), "-f", "-c", "/etc/rspamd/rspamd.conf"]
