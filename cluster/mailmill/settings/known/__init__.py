"""The options of MailScanner, all of them: every module here has those of one subject.

What an option that Mailmill reads accepts stands in `mailmill.settings.options`.
"""

from __future__ import annotations

from types import ModuleType
from typing import Final

from mailmill.settings.known import (
    actions,
    advanced,
    archives,
    content,
    database,
    filenames,
    headers,
    limits,
    logging,
    mcp,
    milter,
    mta,
    notices,
    quarantine,
    reports,
    scanners,
    signing,
    spamassassin,
    spamlists,
    subjects,
    system,
    viruses,
    watermarks,
)
from mailmill.settings.known.record import Known, Status

__all__ = ["KNOWN", "MODULES", "Known", "Status", "known_of"]

#: In the order of MailScanner.conf.
MODULES: Final[tuple[ModuleType, ...]] = (
    system,
    mta,
    milter,
    limits,
    archives,
    viruses,
    scanners,
    content,
    filenames,
    quarantine,
    reports,
    headers,
    signing,
    subjects,
    notices,
    spamlists,
    watermarks,
    spamassassin,
    actions,
    logging,
    database,
    mcp,
    advanced,
)


def known_of(module: ModuleType) -> tuple[Known, ...]:
    """Return the options that a module describes."""
    options: tuple[Known, ...] = module.OPTIONS
    return options


#: Every option of MailScanner by its key.
KNOWN: Final[dict[str, Known]] = {known.key: known for module in MODULES for known in known_of(module)}
