"""What to say about a name that is no option."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import Final

from mailmill.settings.known import KNOWN
from mailmill.settings.option import option_key
from mailmill.settings.options import TABLE

#: Parameters of Postfix that milter mode needs and that are looked for in MailScanner.conf, by key.
_POSTFIX: Final = {
    option_key(name): name
    for name in ("qmqpd_authorized_clients", "smtpd_milters", "header_checks", "in_flow_delay")
}
#: How the guide to milter mode spells one of them by mistake.
_MISSPELLED: Final = {option_key("qmcpd_authorized_clients"): "qmqpd_authorized_clients"}


def unknown_option(name: str) -> str:
    """Return the sentence about an unknown name, with the nearest known one."""
    key = option_key(name)
    if parameter := _POSTFIX.get(key) or _MISSPELLED.get(key):
        return f"{name} is no option: it belongs into Postfix's main.cf and is spelled {parameter} there"
    names = {key: known.name for key, known in KNOWN.items()}
    names |= {key: option.name for key, option in TABLE.items()}
    near = difflib.get_close_matches(key, names, n=1)
    return f"unknown option {name}" + (f" (did you mean {names[near[0]]}?)" if near else "")


def unknown_variable(name: str, known: Iterable[str]) -> str:
    """Return the sentence about an environment variable that looks like an option and is none."""
    near = difflib.get_close_matches(name, known, n=1)
    return f"{name} is not the variable of an option" + (f" (did you mean {near[0]}?)" if near else "")
