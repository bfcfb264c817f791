"""What every command of `mailmill` gets: the configuration, read when it is first asked for."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import click

from mailmill.errors import ConfigError
from mailmill.settings import Settings
from mailmill.settings.defaultsfile import DEFAULTS_FILE, service_enabled


@dataclass
class Cli:
    """The options of `mailmill` itself. A command takes it with the decorator `pass_cli`."""

    #: `--conf`; None: MAILMILL_CONF or MailScanner's usual place.
    conf: Path | None = None
    defaults: Path = DEFAULTS_FILE

    @cached_property
    def settings(self) -> Settings:
        """The settings in force.

        Raises:
            ConfigError: `mailmill` prints its problems and exits with status 78.
        """
        return Settings.load(self.conf)

    def require_enabled(self) -> None:
        """Refuse to start a daemon on a host whose /etc/MailScanner/defaults says `run_mailscanner=0`.

        Raises:
            ConfigError: `mailmill` prints it and exits with status 78.
        """
        if not service_enabled(self.defaults):
            raise ConfigError(
                [f"{self.defaults}: run_mailscanner is 0: set it to 1 to let Mailmill start here"]
            )


pass_cli = click.make_pass_decorator(Cli)
