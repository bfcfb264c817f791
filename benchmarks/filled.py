"""A filled spool, written without the edge: for measurements that begin behind it."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

from benchmarks.sites import spooled
from mailmill.envelope import Client, Envelope, Recipient
from mailmill.intake import directories
from mailmill.intake.directories import Directories
from mailmill.intake.records import frame
from mailmill.intake.writer import SEGMENT_SIZE
from mailmill.mailids import long_queue_id, new_mail_id
from mailmill.spool import Spool, State
from mailmill.spoolfile import SpoolHeader, pack
from mailmill_local.configuration import USER


def fill(spool: Path, messages: Iterable[bytes], edge: str, first: int = 0) -> None:
    """Write messages into the intake as the milter would, without its syncs.

    Args:
        spool: The queue directory, which may not exist yet.
        messages: With LF line ends.
        edge: `Edge Name`.
        first: The number of the first one; the recipient of number 5 is m000005@example.com.
    """
    for path in (spool, *(spool / name for name in (*State, *directories.ALL))):
        path.mkdir(mode=0o700, exist_ok=True)
        _give(path)
    records = _records(messages, edge, first)
    for record in records:
        path = Directories(spool).log / f"{time.time_ns():020d}-{os.getpid()}"
        with path.open("xb") as file:
            file.write(record)
            while file.tell() < SEGMENT_SIZE and (more := next(records, None)):
                file.write(more)
        _give(path)
    os.sync()


def take(full: Path, spool: Path, count: int) -> None:
    """Copy `count` messages of a filled spool into one that nobody uses yet, owners and times included."""
    shutil.rmtree(spool, ignore_errors=True)
    subprocess.run(["cp", "-a", str(full), str(spool)], check=True)
    copy = Spool(spool)
    copy.intake.take_charge()
    for name in spooled(copy)[count:]:
        copy.remove(name, State.ACTIVE)
    copy.flush()
    os.sync()


def move(full: Path, spool: Path) -> None:
    """Move the messages of a filled spool into one whose queue manager runs, by renames.

    The lines that tell of a segment come last: they are what the queue manager hears of.
    """
    source, target = Directories(full), Directories(spool)
    for segment in sorted(source.log.iterdir()):
        for directory in (source.ended, source.arrived):
            (directory / segment.name).touch()
        (source.ended / segment.name).rename(target.ended / segment.name)
        _give(target.ended / segment.name)
        segment.rename(target.log / segment.name)
        told = target.arrived / segment.name
        told.write_bytes((source.arrived / segment.name).read_bytes() or b"\n")
        _give(told)


def _records(messages: Iterable[bytes], edge: str, first: int) -> Iterator[bytes]:
    client = Client("client.example.com", "127.0.0.1", 25, "client.example.com")
    for number, message in enumerate(messages, first):
        now = time.time()
        queue_id = long_queue_id(now, number + 1)
        envelope = Envelope("sender@example.org", (Recipient(f"m{number:06}@example.com"),), client)
        header = SpoolHeader(new_mail_id(now, queue_id), edge, now, queue_id, envelope)
        data = pack(header, message)
        yield frame(header.id, len(data)) + data


def _give(path: Path) -> None:
    owner = pwd.getpwnam(USER)
    os.chown(path, owner.pw_uid, owner.pw_gid)
