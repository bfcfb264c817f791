"""Options of MailScanner's about names and types of attachments."""

from __future__ import annotations

from typing import Final

from mailmill.settings.known.record import DIFFERENT, NOT_YET, Known
from mailmill.settings.option import Rules

_NAMES_INSIDE: Final = "Names inside archives are not judged."
_FILES_INSIDE: Final = "Files inside archives are not judged."

OPTIONS: Final = (
    Known(
        "Filename Rules",
        DIFFERENT,
        "%etc-dir%/filename.rules.conf",
        "rename, deny+delete and addresses are treated as deny, with a warning.",
        rules=Rules.ALL,
    ),
    Known(
        "Filetype Rules",
        DIFFERENT,
        "%etc-dir%/filetype.rules.conf",
        "rename, deny+delete and addresses are treated as deny, with a warning.",
        rules=Rules.ALL,
    ),
    Known(
        "Allow Filenames",
        NOT_YET,
        "",
        "Write an allow line into the file of Filename Rules.",
        does="",
        rules=Rules.ALL,
    ),
    Known(
        "Deny Filenames",
        NOT_YET,
        "",
        "Write a deny line into the file of Filename Rules.",
        does="",
        rules=Rules.ALL,
    ),
    Known(
        "Allow Filetypes",
        NOT_YET,
        "",
        "Write an allow line into the file of Filetype Rules.",
        does="",
        rules=Rules.ALL,
    ),
    Known(
        "Deny Filetypes",
        NOT_YET,
        "",
        "Write a deny line into the file of Filetype Rules.",
        does="",
        rules=Rules.ALL,
    ),
    Known(
        "Allow File MIME Types",
        NOT_YET,
        "",
        "Write an allow line with a MIME type into the file of Filetype Rules.",
        does="",
        rules=Rules.ALL,
    ),
    Known(
        "Deny File MIME Types",
        NOT_YET,
        "",
        "Write a deny line with a MIME type into the file of Filetype Rules.",
        does="",
        rules=Rules.ALL,
    ),
    Known(
        "Override Filetypes",
        NOT_YET,
        "no",
        "Rules about names never stop rules about types.",
        does="no",
        rules=Rules.ALL,
    ),
    Known(
        "Archives: Filename Rules",
        NOT_YET,
        "%etc-dir%/archives.filename.rules.conf",
        _NAMES_INSIDE,
        rules=Rules.ALL,
    ),
    Known(
        "Archives: Filetype Rules",
        NOT_YET,
        "%etc-dir%/archives.filetype.rules.conf",
        _FILES_INSIDE,
        rules=Rules.ALL,
    ),
    Known("Archives: Allow Filenames", NOT_YET, "", _NAMES_INSIDE, does="", rules=Rules.ALL),
    Known("Archives: Deny Filenames", NOT_YET, "", _NAMES_INSIDE, does="", rules=Rules.ALL),
    Known("Archives: Allow Filetypes", NOT_YET, "", _FILES_INSIDE, does="", rules=Rules.ALL),
    Known("Archives: Deny Filetypes", NOT_YET, "", _FILES_INSIDE, does="", rules=Rules.ALL),
    Known("Archives: Allow File MIME Types", NOT_YET, "", _FILES_INSIDE, does="", rules=Rules.ALL),
    Known("Archives: Deny File MIME Types", NOT_YET, "", _FILES_INSIDE, does="", rules=Rules.ALL),
    Known("Archives: Ignore DAT File Executable", NOT_YET, "no", _FILES_INSIDE),
    Known(
        "Default Rename Pattern",
        NOT_YET,
        "__FILENAME__.disarmed",
        "Attachments are not renamed.",
        rules=Rules.FIRST,
    ),
)
