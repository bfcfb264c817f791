"""No answer before the disk: full and failing spools, and the order of the system calls."""

from __future__ import annotations

import contextlib
import re
import subprocess

import pytest

from milter_mta import Mta
from milter_server import MilterServer, wait_for

pytestmark = pytest.mark.system


@contextlib.contextmanager
def connection(server):
    with Mta(server.socket) as mta:
        mta.connect()
        mta.helo()
        yield mta


@pytest.fixture
def small_spool(server_dir, require):
    """A spool of 2 MiB with a milter that does not look ahead."""
    require("mount", "umount", root=True)
    root = server_dir / "in"
    root.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=2m,mode=0700", "tmpfs", str(root)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"cannot mount a tmpfs: {done.stderr.strip()}")
    try:
        with MilterServer(server_dir) as server:
            yield server
    finally:
        subprocess.run(["umount", str(root)], check=True)


@pytest.mark.parametrize("megabytes", [3, 8])
def test_a_full_disk_means_try_again_and_leaves_no_file(small_spool, megabytes):  # B1
    with connection(small_spool) as mta:
        reply = mta.message(body=b"x" * (megabytes << 20))
        assert reply.startswith("451 4.3.")
        assert "space" in reply
        assert small_spool.files() == []
        assert mta.message() == "discard"
    assert len(small_spool.messages()) == 1


def test_a_disk_that_fills_up_acknowledges_exactly_what_it_holds(small_spool):  # B1
    replies = []
    with connection(small_spool) as mta:
        replies = [mta.message(body=b"x" * 100_000) for _ in range(40)]
    assert 0 < replies.count("discard") < 40
    assert {reply[:8] for reply in replies} == {"discard", "451 4.3."}
    assert len(small_spool.messages()) == len(small_spool.files()) == replies.count("discard")


def test_a_file_size_limit_means_try_again(server_dir, require):  # B1
    require("prlimit")
    with MilterServer(server_dir, prefix=("prlimit", "--fsize=1500000")) as server, connection(server) as mta:
        assert "File too large" in mta.message(body=b"x" * 3_000_000)
        assert server.files() == []
        assert mta.message() == "discard"


def test_a_spool_without_permission_means_try_again(server_dir, require):
    require(root=True)
    with MilterServer(server_dir, Run_As_User="mail") as server, connection(server) as mta:
        incoming = server.spool.root / "incoming"
        incoming.chmod(0o500)
        assert mta.message() == "451 4.3.0 mail spool: Permission denied"
        incoming.chmod(0o700)
        assert mta.message() == "discard"


def test_too_little_free_space_means_try_again(server_dir):
    with MilterServer(server_dir, Milter_Min_Free_Space="900000000g") as server, connection(server) as mta:
        assert mta.message() == "451 4.3.1 insufficient space in the mail spool"
        assert server.files() == []


def test_a_spool_at_its_limit_means_try_again_until_it_has_drained(server_dir):
    with MilterServer(server_dir, Milter_Max_Spool_Messages="2") as server, connection(server) as mta:
        replies = [mta.message() for _ in range(2)]
        wait_for(lambda: mta.message().startswith("451 4.3.1 too many"), "the limit")
        for name in server.files():
            (server.spool.root / name).unlink()
        wait_for(lambda: mta.message() == "discard", "room again")
        assert replies == ["discard", "discard"]


def _calls(trace: str) -> list[str]:
    """Return the system calls of a trace that matter for a message, as words in their order."""
    words = []
    fds: dict[str, str] = {}
    for line in trace.splitlines():
        if found := re.search(r"openat\(.*\"([^\"]*/(incoming/[^\"]+|active))\", .*\) = (\d+)", line):
            fds[found[3]] = "directory" if found[2] == "active" else "file"
            words.append(f"open {fds[found[3]]}")
        elif found := re.search(r"\b(write|fsync|close)\((\d+)\b.*\) += ", line):
            if kind := fds.get(found[2]):
                words.append(f"{found[1]} {kind}")
                if found[1] == "close":
                    del fds[found[2]]
        elif re.search(r"\brename\w*\(.*/incoming/.*/active/.*\) += 0", line):
            words.append("rename")
        elif re.search(r'\b(write|writev|sendto|sendmsg)\(.*"\\0\\0\\0\\1d?"', line):
            words.append("answer")
    return words


def test_the_answer_follows_write_fsync_rename_and_fsync_of_the_directory(server_dir, require):  # B3, R1
    require("strace")
    trace = server_dir / "trace"
    calls = "trace=openat,write,writev,sendto,sendmsg,fsync,fdatasync,rename,renameat,renameat2,close"
    prefix = ("strace", "-f", "-qq", "-s", "64", "-e", calls, "-e", "signal=none", "-o", str(trace))
    server = MilterServer(server_dir, prefix=prefix, Milter_Max_Children="1")
    with server, connection(server) as mta:
        assert mta.message() == "discard"
    words = _calls(trace.read_text(errors="replace"))
    wanted = ["open file", "write file", "fsync file", "close file", "rename"]
    wanted += ["open directory", "fsync directory", "close directory", "answer"]
    start = words.index("open file")
    seen = [word for i, word in enumerate(words[start:]) if i == 0 or word != words[start + i - 1]]
    assert seen[: len(wanted)] == wanted
