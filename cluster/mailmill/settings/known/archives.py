"""Options of MailScanner's about TNEF, archives and documents."""

from __future__ import annotations

from typing import Final

from mailmill.settings.known.record import NOT_APPLICABLE, NOT_YET, Known
from mailmill.settings.option import Rules

_NO_COMMAND: Final = "No command is run for attachments."
_NAMES_INSIDE: Final = "Names inside archives are not judged; clamd looks for viruses there."
_NOT_CHANGED: Final = "Attachments are delivered as they are."
_ARCHIVES_STAY: Final = "Archives are delivered as they are."

OPTIONS: Final = (
    Known(
        "Expand TNEF",
        NOT_YET,
        "yes",
        "winmail.dat is judged by its own name and type; clamd looks into it.",
        does="no",
    ),
    Known(
        "Use TNEF Contents",
        NOT_YET,
        "replace",
        "winmail.dat is delivered as it is.",
        does="no",
        rules=Rules.ALL,
    ),
    Known(
        "Deliver Unparsable TNEF",
        NOT_YET,
        "no",
        "winmail.dat is delivered as it is.",
        does="yes",
        rules=Rules.FIRST,
    ),
    Known("TNEF Expander", NOT_APPLICABLE, "/usr/bin/tnef --maxsize=100000000", _NO_COMMAND),
    Known("TNEF Timeout", NOT_APPLICABLE, "120", _NO_COMMAND),
    Known(
        "File Command",
        NOT_APPLICABLE,
        "/usr/bin/file",
        "Types are found with libmagic in the scan process, without a command.",
    ),
    Known(
        "File Timeout",
        NOT_APPLICABLE,
        "20",
        "Types are found with libmagic in the scan process, without a command.",
    ),
    Known("Gunzip Command", NOT_APPLICABLE, "/bin/gunzip", _NO_COMMAND),
    Known("Gunzip Timeout", NOT_APPLICABLE, "50", _NO_COMMAND),
    Known("Unrar Command", NOT_APPLICABLE, "/usr/bin/unrar", _NO_COMMAND),
    Known("Unrar Timeout", NOT_APPLICABLE, "50", _NO_COMMAND),
    Known("Un7zip Command", NOT_APPLICABLE, "/usr/bin/7z", _NO_COMMAND),
    Known("Un7zip Timeout", NOT_APPLICABLE, "50", _NO_COMMAND),
    Known(
        "Find UU-Encoded Files",
        NOT_YET,
        "no",
        "uuencoded text is left to clamd.",
        does="no",
        rules=Rules.FIRST,
    ),
    Known("Maximum Archive Depth", NOT_YET, "8", _NAMES_INSIDE, does="0", rules=Rules.FIRST),
    Known("Find Archives By Content", NOT_YET, "yes", _NAMES_INSIDE, rules=Rules.FIRST),
    Known(
        "Unpack Microsoft Documents",
        NOT_YET,
        "yes",
        "Documents are left to clamd.",
        does="no",
        rules=Rules.FIRST,
    ),
    Known("Archives Are", NOT_YET, "zip rar ole", _NAMES_INSIDE, rules=Rules.FIRST),
    Known("Zip Attachments", NOT_YET, "no", _NOT_CHANGED, does="no", rules=Rules.ALL),
    Known("Attachments Zip Filename", NOT_YET, "MessageAttachments.zip", _NOT_CHANGED, rules=Rules.FIRST),
    Known("Attachments Min Total Size To Zip", NOT_YET, "100k", _NOT_CHANGED, rules=Rules.FIRST),
    Known(
        "Attachment Extensions Not To Zip",
        NOT_YET,
        ".zip .rar .gz .tgz .jpg .jpeg .mpg .mpe .mpeg .mp3 .rpm .htm .html .eml",
        _NOT_CHANGED,
        rules=Rules.ALL,
    ),
    Known(
        "Add Text Of Doc", NOT_YET, "no", "Documents are delivered as they are.", does="no", rules=Rules.FIRST
    ),
    Known("Antiword", NOT_APPLICABLE, "/usr/bin/antiword -f", _NO_COMMAND, rules=Rules.FIRST),
    Known("Antiword Timeout", NOT_APPLICABLE, "50", _NO_COMMAND),
    Known("Unzip Maximum Files Per Archive", NOT_YET, "0", _ARCHIVES_STAY, does="0", rules=Rules.FIRST),
    Known("Unzip Maximum File Size", NOT_YET, "50k", _ARCHIVES_STAY, rules=Rules.FIRST),
    Known("Unzip Filenames", NOT_YET, "*.txt *.ini *.log *.csv", _ARCHIVES_STAY, rules=Rules.FIRST),
    Known("Unzip MimeType", NOT_YET, "text/plain", _ARCHIVES_STAY, rules=Rules.FIRST),
    Known(
        "Allow Password-Protected Archives",
        NOT_YET,
        "no",
        "An archive with a password is delivered; clamd can report it: AlertEncryptedArchive.",
        does="yes",
        rules=Rules.ALL,
    ),
    Known(
        "Check Filenames In Password-Protected Archives",
        NOT_YET,
        "yes",
        "Names inside archives are not judged.",
        does="no",
        rules=Rules.ALL,
    ),
    Known(
        "Archives Must Be Password Protected",
        NOT_YET,
        "no",
        "Passwords of archives are not looked for.",
        does="no",
        rules=Rules.ALL,
    ),
)
