"""Write a small signature database for clamd: the EICAR test file, and ClamAV's own test files.

    python3 deploy/clamav/signatures.py DIRECTORY [TESTFILES]

It replaces the official database where nothing may be downloaded. TESTFILES is a directory whose files are
all taken for infected; Debian's package clamav-testfiles installs /usr/share/clamav-testfiles.
Formats: https://docs.clamav.net/manual/Signatures.html (.ndb: body signatures, .hsb: hashes of whole files).
"""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path

TESTFILES = Path("/usr/share/clamav-testfiles")

#: The EICAR test file in two halves, so that no scanner takes this source for it.
EICAR = b"X5O!P%@AP[4\\PZX54(P^)7CC)7}$" + b"EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"

#: The target type of signatures for any file.
ANY_TYPE = 0
#: The functionality level from which on clamd knows hashes with a size (0.98).
LEVEL = 73


def body_signatures() -> str:
    """Return the .ndb database: EICAR at the beginning of a file of any type, as its authors define it."""
    return f"Eicar-Test-Signature:{ANY_TYPE}:0:{EICAR.hex()}\n"


def hash_signatures(directory: Path) -> str:
    """Return the .hsb database: SHA-256 and size of each file of a directory (none: nothing)."""
    files = sorted(path for path in directory.glob("*") if path.is_file())
    return "".join(
        f"{hashlib.sha256(data).hexdigest()}:{len(data)}:ClamAV-Test-File.{path.name}:{LEVEL}\n"
        for path in files
        if (data := path.read_bytes())
    )


def main(arguments: list[str]) -> int:
    """Write both databases; returns the exit status."""
    if not arguments:
        print(__doc__, file=sys.stderr)
        return 2
    directory = Path(arguments[0])
    testfiles = Path(arguments[1]) if len(arguments) > 1 else TESTFILES
    (directory / "mailmill.ndb").write_text(body_signatures())
    hashes = hash_signatures(testfiles)
    if hashes:
        (directory / "mailmill.hsb").write_text(hashes)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
