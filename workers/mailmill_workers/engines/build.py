"""The engines that MailScanner.conf asks for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from mailmill.errors import ConfigError
from mailmill.settings.options import scanners
from mailmill.settings.options.choices import SpamScanner
from mailmill_workers.engines.addresses import Address, parse_address
from mailmill_workers.engines.clamd import Clamd
from mailmill_workers.engines.plugin import PluginEngine
from mailmill_workers.engines.rspamd import Rspamd
from mailmill_workers.engines.spamd import Spamd

if TYPE_CHECKING:
    from mailmill.settings import Settings
    from mailmill_workers.engines.engine import SpamEngine, VirusEngine

#: spamd's TCP port (spamd(8): --port).
_SPAMD_PORT: Final = 783


def virus_engines(settings: Settings) -> tuple[VirusEngine, ...]:
    """Return the engines of `Virus Scanners` in their order; none for `none`.

    Raises:
        ConfigError: an address that is none.
    """
    engines: list[VirusEngine] = []
    for word in settings[scanners.VIRUS_SCANNERS]:
        if word == "clamd":
            servers = _addresses(
                settings.place(scanners.CLAMD_SOCKET),
                settings[scanners.CLAMD_SOCKET],
                settings[scanners.CLAMD_PORT],
            )
            engines.append(Clamd(servers, settings[scanners.VIRUS_SCANNER_TIMEOUT]))
        elif word != "none":
            engines.append(PluginEngine(word, settings, settings[scanners.VIRUS_SCANNER_TIMEOUT]))
    return tuple(engines)


def spam_engine(settings: Settings) -> SpamEngine | None:
    """Return the engine of `Spam Scanner`; None for `none`.

    Raises:
        ConfigError: an address or a URL that is none.
    """
    limit = settings[scanners.SPAM_SCANNER_TIMEOUT]
    match settings[scanners.SPAM_SCANNER]:
        case SpamScanner.RSPAMD:
            return Rspamd(_urls(settings), limit, settings[scanners.RSPAMD_PASSWORD])
        case SpamScanner.SPAMASSASSIN:
            option = scanners.SPAMD_SOCKET
            return Spamd(_addresses(settings.place(option), settings[option], _SPAMD_PORT), limit)
        case SpamScanner.NONE:
            return None
        case name:
            return PluginEngine(name, settings, limit)


def check(settings: Settings) -> None:
    """Check that the engines can be made.

    Raises:
        ConfigError: an address or a URL that is none.
    """
    virus_engines(settings)
    spam_engine(settings)


def _addresses(option: str, words: tuple[str, ...], default_port: int) -> list[Address]:
    try:
        servers = [parse_address(word, default_port) for word in words]
    except ValueError as exc:
        raise ConfigError([f"{option}: {exc}"]) from exc
    if not servers:
        raise ConfigError([f"{option}: must name at least one server"])
    return servers


def _urls(settings: Settings) -> tuple[str, ...]:
    place, words = settings.place(scanners.RSPAMD_URL), settings[scanners.RSPAMD_URL]
    for word in words:
        url = urlsplit(word)
        if url.scheme not in {"http", "https"} or not url.hostname:
            raise ConfigError([f"{place}: must be http://HOST:PORT, not {word!r}"])
    if not words:
        raise ConfigError([f"{place}: must name at least one server"])
    return words
