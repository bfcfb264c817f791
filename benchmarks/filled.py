"""A filled spool, written file by file without the edge: for measurements that begin behind it."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import time
from collections.abc import Iterable
from pathlib import Path

from benchmarks.sites import spooled
from mailmill.envelope import Client, Envelope, Recipient
from mailmill.mailids import long_queue_id, new_mail_id
from mailmill.spool import State
from mailmill.spoolfile import SpoolHeader, pack
from mailmill_local.configuration import USER


def fill(spool: Path, messages: Iterable[bytes], edge: str, first: int = 0) -> None:
    """Write messages into `active` as the milter would, without its fsync.

    Args:
        spool: The queue directory, which may not exist yet.
        messages: With LF line ends.
        edge: `Edge Name`.
        first: The number of the first one; the recipient of number 5 is m000005@example.com.
    """
    owner = pwd.getpwnam(USER)
    for path in (spool, *(spool / state for state in State)):
        path.mkdir(mode=0o700, exist_ok=True)
        os.chown(path, owner.pw_uid, owner.pw_gid)
    client = Client("client.example.com", "127.0.0.1", 25, "client.example.com")
    for number, message in enumerate(messages, first):
        now = time.time()
        queue_id = long_queue_id(now, number + 1)
        envelope = Envelope("sender@example.org", (Recipient(f"m{number:06}@example.com"),), client)
        header = SpoolHeader(new_mail_id(now, queue_id), edge, now, queue_id, envelope)
        path = spool / State.ACTIVE / header.id
        path.write_bytes(pack(header, message))
        os.chown(path, owner.pw_uid, owner.pw_gid)
    os.sync()


def take(full: Path, spool: Path, count: int) -> None:
    """Copy `count` messages of a filled spool into one that nobody uses yet, owners and times included."""
    shutil.rmtree(spool, ignore_errors=True)
    subprocess.run(["cp", "-a", str(full), str(spool)], check=True)
    for path in sorted(spooled(spool))[count:]:
        path.unlink()
    os.sync()


def move(full: Path, spool: Path) -> None:
    """Move the messages of a filled spool into one whose queue manager runs, oldest first, by renames."""
    for path in sorted(spooled(full), key=lambda each: each.name):
        path.rename(spool / State.ACTIVE / path.name)
