"""What report files may say of a message: MailScanner's variables."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property


@dataclass(frozen=True)
class Variables:
    """The values for one report; text that came from strangers must be printable already."""

    #: Envelope sender without angle brackets; `<>` for the null sender.
    sender: str
    #: The recipients that the report is about, separated by commas.
    to: str
    subject: str
    #: When the message arrived, as in a Date header.
    date: str
    #: The day of the quarantine: YYYYMMDD.
    datenumber: str
    #: The Mailmill id.
    id: str
    #: The host that writes the report.
    hostname: str
    localpostmaster: str
    postmastername: str
    #: What was found, one finding a line.
    report: str = ""
    #: The names of the parts that were found, separated by commas.
    filename: str = ""
    quarantinedir: str = ""
    #: What the spam scanner said, without its rules.
    spamreport: str = ""
    #: The same with its rules.
    fullspamreport: str = ""
    #: The rules that matched, one a line, with their points.
    longspamreport: str = ""
    sascore: str = ""
    #: Size of the message in bytes.
    messagesize: str = ""

    @cached_property
    def by_name(self) -> Mapping[str, str]:
        """The values by the names that report files use."""
        named = {field.name: str(getattr(self, field.name)) for field in dataclasses.fields(self)}
        named["from"] = named.pop("sender")
        named["briefspamreport"] = self.spamreport
        named["size"] = self.messagesize
        host = self.hostname.lower()
        named["linkhostname"] = "".join(
            char for char in host if char.isascii() and (char.isalnum() or char in "_-")
        )
        return named


#: The names of all variables, with nothing in them.
NAMES = Variables("", "", "", "", "", "", "", "", "").by_name
