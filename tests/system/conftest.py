"""The real servers, each started once for a test session, below one directory that all users can pass."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from mailmill.settings.options.choices import MilterLibrary
from mailmill_local.probes import free_port
from mailmill_local.servers.base import SEARCH_PATH
from mailmill_local.servers.clamd import Clamd
from mailmill_local.servers.redis import RedisServer
from mailmill_local.servers.relay import PostfixRelay
from mailmill_local.servers.rspamd import Rspamd
from mailmill_local.servers.spamd import Spamd
from milter_server import MilterServer

Require = Callable[..., None]


def _missing(reason: str) -> None:
    """Skip a test that lacks something on a laptop; where it must not be lacking, fail."""
    if os.environ.get("CI"):
        pytest.fail(f"{reason}, and CI is set", pytrace=False)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def require() -> Require:
    """`require("postfix", "/usr/share/x", root=True)`: go on only when these programs and files are there."""

    def check(*programs: str, root: bool = False) -> None:
        absent = [
            name
            for name in programs
            if not (Path(name).exists() if "/" in name else shutil.which(name, path=SEARCH_PATH))
        ]
        if absent:
            _missing(f"not installed: {', '.join(absent)}")
        if root and os.geteuid() != 0:
            _missing("needs root")

    return check


@pytest.fixture(scope="module", params=list(MilterLibrary))
def milter_library(request: pytest.FixtureRequest) -> Iterator[MilterLibrary]:
    """Runs the tests of a module with each value of `Milter Library`."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(MilterServer, "library", request.param.value)
        yield request.param


@pytest.fixture(scope="session")
def servers_dir() -> Iterator[Path]:
    """A short path (unix sockets allow about 100 bytes) that servers without root can pass."""
    directory = Path(tempfile.mkdtemp(prefix="mm-", dir="/tmp"))
    directory.chmod(0o711)
    yield directory
    shutil.rmtree(directory)


@pytest.fixture
def server_dir(servers_dir: Path) -> Path:
    """A fresh directory below `servers_dir` for the servers of one test."""
    directory = Path(tempfile.mkdtemp(prefix="t-", dir=servers_dir))
    directory.chmod(0o711)
    return directory


@pytest.fixture(scope="session")
def redis_server(require: Require, servers_dir: Path) -> Iterator[RedisServer]:
    require(*RedisServer.programs)
    with RedisServer(servers_dir / "redis", port=free_port()) as server:
        yield server


@pytest.fixture(scope="session")
def clamd_server(require: Require, servers_dir: Path) -> Iterator[Clamd]:
    require(*Clamd.programs)
    with Clamd(servers_dir / "clamd", port=free_port()) as server:
        yield server


@pytest.fixture(scope="session")
def rspamd_server(require: Require, servers_dir: Path) -> Iterator[Rspamd]:
    require(*Rspamd.programs)
    with Rspamd(servers_dir / "rspamd", port=free_port()) as server:
        yield server


@pytest.fixture(scope="session")
def spamd_server(require: Require, servers_dir: Path) -> Iterator[Spamd]:
    require(*Spamd.programs)
    with Spamd(servers_dir / "spamd", port=free_port()) as server:
        yield server


@pytest.fixture(scope="session")
def relay_server(require: Require, servers_dir: Path) -> Iterator[PostfixRelay]:
    require(*PostfixRelay.programs, root=True)
    with PostfixRelay(servers_dir / "relay", qmqp_port=free_port(), smtp_port=free_port()) as server:
        yield server


@pytest.fixture
def relay(relay_server: PostfixRelay) -> PostfixRelay:
    """The relay with an empty mailbox."""
    relay_server.mailbox.clear()
    return relay_server
