"""Rspamd with its rules and without its network: no DNS, no RBL, no fuzzy storage, no Redis."""

from __future__ import annotations

import os
from pathlib import Path
from typing import ClassVar, Final

from mailmill_local.probes import HOST, ask
from mailmill_local.process import Sink, ignore
from mailmill_local.servers.base import Server, give_to, program

#: The user of Debian's package.
USER: Final = "_rspamd"

#: Rspamd's own files are included from where the package has them; the modules that are named work offline.
_CONFIGURATION: Final = """\
lua = "$RULESDIR/rspamd.lua";
.include "$CONFDIR/metrics.conf"
.include "$CONFDIR/actions.conf"
.include "$CONFDIR/groups.conf"
.include "$CONFDIR/composites.conf"
modules {{
  path = "$PLUGINSDIR";
}}
mime_types {{
}}
once_received {{
}}
options {{
  filters = "chartable,regexp";
  pidfile = "{state}/rspamd.pid";
  dynamic_conf = "{state}/dynamic";
  history_file = "{state}/history";
  stats_file = "{state}/stats.ucl";
  hs_cache_dir = "{state}/";
  tempdir = "{state}";
  control_socket = "{state}/control.sock mode=0600";
  # Compiling the whole list of public suffixes takes more than 10 s at the first start (measured).
  url_tld = "{suffixes}";
  # Nothing asks; whatever would, is refused at once instead of leaving this machine.
  dns {{
    nameserver = ["{loopback}:9"];
    timeout = 0.1s;
    retransmits = 1;
  }}
}}
logging {{
  type = "console";
  level = "notice";
  color = false;
}}
worker "normal" {{
  bind_socket = "{host}:{port}";
  count = {processes};
}}
"""


class Rspamd(Server):
    """rspamd's normal worker.

    Args:
        directory: Holds its configuration and its state.
        port: The port.
        host: The address that it listens on; it must include loopback.
        processes: How many normal workers share the port.
    """

    programs: ClassVar = ("rspamd",)

    def __init__(
        self,
        directory: Path,
        *,
        port: int,
        host: str = HOST,
        processes: int = 1,
        sink: Sink = ignore,
        name: str = "rspamd",
    ) -> None:
        super().__init__(directory, name=name, sink=sink)
        self.port = port
        self._host = host
        self._processes = processes

    @property
    def url(self) -> str:
        """The URL of the normal worker."""
        return f"http://{HOST}:{self.port}"

    def render(self) -> None:
        """Write rspamd.conf."""
        state = self.directory / "state"
        state.mkdir(exist_ok=True)
        give_to(state, USER)
        suffixes = self.directory / "suffixes"
        suffixes.write_text("com\nnet\norg\nexample\ntest\n")
        (self.directory / "rspamd.conf").write_text(
            _CONFIGURATION.format(
                state=state,
                suffixes=suffixes,
                loopback=HOST,
                host=self._host,
                port=self.port,
                processes=self._processes,
            )
        )

    def command(self) -> list[str]:
        """Return the command line."""
        identity = ["-u", USER, "-g", USER] if os.geteuid() == 0 else ["-i"]
        return [program("rspamd"), "-f", *identity, "-c", str(self.directory / "rspamd.conf")]

    def healthy(self) -> bool:
        """Tell whether it answers /ping."""
        return ask(self.port, b"GET /ping HTTP/1.0\r\n\r\n", b"HTTP/1.1 200")
