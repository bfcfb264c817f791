"""What every command of `mailmill` gets: the configuration, read when it is first asked for."""

from __future__ import annotations

import logging
import os
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import click

from mailmill.configuration import process
from mailmill.errors import ConfigError
from mailmill.logs import set_detail, setup_logging
from mailmill.settings import Settings
from mailmill.settings.defaultsfile import DEFAULTS_FILE, service_enabled
from mailmill.settings.options.system import DEBUG
from mailmill.settings.values import FILE_VARIABLE

log = logging.getLogger(__name__)


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
        return process.begin(self.conf).settings

    def begin(self, *, mail: bool = True) -> Settings:
        """Begin a daemon: start its log, tell what `mailmill check` would warn of, and return the settings.

        Args:
            mail: whether it has to do with mail. Then it waits for a published configuration, and keeps a
                copy.

        Raises:
            ConfigError: the settings cannot be used, or /etc/MailScanner/defaults says `run_mailscanner=0`.
                `mailmill` prints it and exits with status 78.
        """
        if not service_enabled(self.defaults):
            raise ConfigError(
                [f"{self.defaults}: run_mailscanner is 0: set it to 1 to let Mailmill start here"]
            )
        if self.conf is not None:
            # Celery reads the settings by itself: it must find the same file.
            os.environ[FILE_VARIABLE] = str(self.conf.absolute())
        setup_logging(debug=False)
        self.settings = process.begin(self.conf, daemon=mail).settings
        set_detail(debug=self.settings[DEBUG])
        for warning in self.settings.warnings:
            log.warning("%s", warning)
        return self.settings


pass_cli = click.make_pass_decorator(Cli)
