"""No answer before the disk: full and failing spools, and the order of the system calls."""

from __future__ import annotations

import contextlib
import re
import subprocess

import pytest

from mailmill_milter.session import SPILL
from milter_mta import Mta
from milter_server import MilterServer, wait_for

pytestmark = [pytest.mark.system, pytest.mark.usefixtures("milter_library")]

#: The body of a message that gets a file of its own.
LARGE = b"x" * (SPILL + 1000)


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
        # The test itself still has a segment open.
        subprocess.run(["umount", "--lazy", str(root)], check=True)


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


@pytest.mark.parametrize(("name", "body"), [("incoming", LARGE), ("intake", b"x\r\n")])
def test_a_spool_without_permission_means_try_again(server_dir, require, name, body):
    require(root=True)
    with MilterServer(server_dir, Run_As_User="mail") as server, connection(server) as mta:
        directory = server.spool.root / name
        directory.chmod(0o500)
        assert mta.message(body=body) == "451 4.3.0 mail spool: Permission denied"
        directory.chmod(0o700)
        assert mta.message(body=body) == "discard"
        assert len(server.messages()) == 1


def test_too_little_free_space_means_try_again(server_dir):
    with MilterServer(server_dir, Milter_Min_Free_Space="900000000g") as server, connection(server) as mta:
        assert mta.message() == "451 4.3.1 insufficient space in the mail spool"
        assert server.files() == []


def test_a_spool_at_its_limit_means_try_again_until_it_has_drained(server_dir):
    with MilterServer(server_dir, Milter_Max_Spool_Messages="2") as server, connection(server) as mta:
        replies = [mta.message() for _ in range(2)]
        wait_for(lambda: mta.message().startswith("451 4.3.1 too many"), "the limit")
        server.clear()
        wait_for(lambda: mta.message() == "discard", "room again")
        assert replies == ["discard", "discard"]


#: What the files and directories of a spool are to a message, by their paths.
_KINDS = {
    r"/in/incoming/[^/]+": "file",
    r"/in/active": "directory",
    r"/in/intake/\d+-\d+": "segment",
    r"/in/intake/arrived/[^/]+": "arrived",
    r"/in/intake/log": "directory",
}


def _calls(trace: str) -> list[str]:
    """Return the system calls of a trace that matter for a message, as words in their order."""
    words = []
    fds: dict[str, str] = {}
    for line in trace.splitlines():
        if found := re.search(r"openat\(.*\"([^\"]*)\", .*\) = (\d+)", line):
            kinds = [kind for path, kind in _KINDS.items() if re.search(f"{path}$", found[1])]
            if kinds:
                fds[found[2]] = kinds[0]
                words.append(f"open {kinds[0]}")
        elif found := re.search(r"\b(write|pwrite64|fsync|fdatasync|close)\((\d+)\b.*\) += ", line):
            if kind := fds.get(found[2]):
                words.append(f"{found[1]} {kind}")
                if found[1] == "close":
                    del fds[found[2]]
        elif re.search(r"\brename\w*\(.*/in/(incoming/.*/active|intake/.*/log)/.*\) += 0", line):
            words.append("rename")
        elif re.search(r'\b(write|writev|sendto|sendmsg)\(.*"\\0\\0\\0\\1d?"', line):
            words.append("answer")
    return [word for i, word in enumerate(words) if i == 0 or word != words[i - 1]]


@pytest.fixture
def traced(server_dir, require):
    """Returns the system calls for messages, given their bodies."""
    require("strace")
    trace = server_dir / "trace"
    calls = "openat,write,pwrite64,writev,sendto,sendmsg,fsync,fdatasync,rename,renameat,renameat2,close"
    prefix = (
        "strace",
        "-f",
        "-qq",
        "-s",
        "64",
        "-e",
        f"trace={calls}",
        "-e",
        "signal=none",
        "-o",
        str(trace),
    )

    def run(*bodies: bytes) -> list[str]:
        server = MilterServer(server_dir, prefix=prefix, Milter_Max_Children="1")
        with server, connection(server) as mta:
            assert [mta.message(body=body) for body in bodies] == ["discard"] * len(bodies)
        return _calls(trace.read_text(errors="replace"))

    return run


def test_the_answer_to_a_large_message_follows_both_syncs(traced):  # B3, R1
    words = traced(LARGE)
    wanted = ["open file", "write file", "fsync file", "close file", "rename"]
    wanted += ["open directory", "fsync directory", "close directory", "answer"]
    start = words.index("open file")
    assert words[start : start + len(wanted)] == wanted


def test_the_answer_to_a_small_message_follows_the_sync_of_its_record(traced):  # B3, R1
    words = traced(b"one\r\n", b"two\r\n")
    begun = ["open segment", "open arrived", "rename", "open directory", "fsync directory", "close directory"]
    record = ["pwrite64 segment", "fdatasync segment", "write arrived", "answer"]
    start = words.index("open segment")
    seen = words[start : start + len(begun) + len(record)]
    assert seen == begun + record
    second = words.index("pwrite64 segment", start + len(seen))
    assert words[second : second + len(record)] == record
