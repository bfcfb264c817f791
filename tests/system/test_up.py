"""`make up` as a newcomer meets it: everything starts, the samples end as they must, everything is gone."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from mailmill_local.instance import end_leftovers
from mailmill_local.ports import Ports, variable
from mailmill_local.probes import wait_until

pytestmark = pytest.mark.system

CHECKOUT = Path(__file__).parents[2]
#: Seconds that a start, the samples and a stop may take on a busy machine.
PATIENCE = 180


class Up:
    """Starts `make up` below one directory, again and again."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.environment = {
            **os.environ,
            "PYTHONPATH": str(CHECKOUT / "deploy"),
            "UP_DIR": str(directory),
            **{variable(name): str(port) for name, port in Ports.free().items()},
        }

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "mailmill_local.up", *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env=self.environment,
            start_new_session=True,
        )

    def until_running(self, process: subprocess.Popen[str]) -> None:
        """Wait until it says that Ctrl-C stops it; what it says later may fill the pipe unread."""
        assert process.stdout is not None
        for line in process.stdout:
            if "Ctrl-C stops everything" in line:
                return
        pytest.fail("it ended too early")


@pytest.fixture
def up(require: Callable[..., None], server_dir: Path) -> Iterator[Up]:
    require("postfix", "redis-server", "clamd", "rspamd", root=True)
    up = Up(server_dir / "up")
    yield up
    end_leftovers(up.directory / "running.json")


def test_once_sends_the_samples_and_leaves_nothing_running(up: Up) -> None:
    process = up.start("--once")
    output, _ = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0, output
    assert "all 7 samples ended as they must" in output
    stops = [
        line.split()[-1] for line in output.splitlines() if line.startswith("up") and "stopping " in line
    ]
    # Flower stops together with the edge: nothing depends on it.
    assert [name for name in stops if name != "flower"][:2] == ["edge", "milter"]
    assert stops[-1] == "relay"
    assert end_leftovers(up.directory / "running.json") == []


def test_an_interrupt_is_a_clean_end_and_a_second_instance_is_refused(up: Up) -> None:
    process = up.start("--no-samples")
    up.until_running(process)
    second = up.start()
    answer, _ = second.communicate(timeout=PATIENCE)
    assert (second.returncode, f"runs already, as process {process.pid} " in answer) == (1, True)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=PATIENCE)
    assert process.returncode == 0


def test_it_starts_again_after_it_was_killed(up: Up) -> None:
    killed = up.start("--no-samples")
    up.until_running(killed)
    killed.kill()
    killed.communicate(timeout=PATIENCE)
    process = up.start("--once", "--no-samples")
    output, _ = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0, output
    assert "ended what an earlier run left: clamd, deliver, edge" in output


def test_a_death_ends_everything_and_says_who_died(up: Up) -> None:
    process = up.start("--no-samples")
    up.until_running(process)
    master = int((up.directory / "relay" / "spool" / "pid" / "master.pid").read_text())
    os.kill(master, signal.SIGKILL)
    output, _ = process.communicate(timeout=PATIENCE)
    assert process.returncode == 1
    assert "A PROCESS FAILED: relay has ended with status -9" in output
    assert wait_until(lambda: end_leftovers(up.directory / "running.json") == [], 10)
