"""The commands of the README do what it says."""

from __future__ import annotations

import os
import re
import signal
import subprocess
from pathlib import Path

import pytest

from mailmill_local.ports import Ports, users_of

CHECKOUT = Path(__file__).parents[2]
README = (CHECKOUT / "README.md").read_text()
#: Where the commands run that are not run here.
ELSEWHERE = {
    "make test": ".ci/run",
    "docker compose up --build": "tests/system/test_compose.py",
    "docker compose up --scale worker=4": "tests/system/test_compose.py",
}
#: Seconds for a start on a machine that has everything.
START_SECONDS = 180


def commands(section: str) -> list[str]:
    text = README.partition(f"## {section}\n")[2].partition("\n## ")[0]
    blocks = re.findall(r"```console\n(.*?)```", text, re.DOTALL)
    return [
        line.removeprefix("$ ") for block in blocks for line in block.splitlines() if line.startswith("$ ")
    ]


def test_every_command_is_run_by_a_test_or_by_ci():
    here = ["make up", *commands("Look at it")]
    known = {*here, *ELSEWHERE}
    found = re.findall(r"^\$ (.*)$", README, re.MULTILINE)
    assert set(found) == known
    for command, runner in ELSEWHERE.items():
        words = command.replace("docker compose ", "").split()
        assert words[0] in (CHECKOUT / runner).read_text()


@pytest.mark.system
def test_make_up_and_what_to_look_at(require):
    require("swaks", "postfix", "redis-server", "clamd", "rspamd", root=True)
    taken = [port for _, port in Ports().items() if users_of(port) is not None]
    if taken:
        pytest.skip(f"the README's ports are in use: {taken}")
    environment = {name: value for name, value in os.environ.items() if not name.startswith("UP_")}
    up = subprocess.Popen(
        ["make", "up"],
        cwd=CHECKOUT,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    try:
        said = until_running(up)
        assert "all 7 samples ended as they must" in said
        assert table_rows(said) == table_rows(README)
        script = "\n".join(["set -e", *commands("Look at it")])
        look = subprocess.run(
            ["bash", "-c", script],
            cwd=CHECKOUT,
            env=environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert look.returncode == 0, look.stdout + look.stderr
        assert "queued as" in look.stdout
        assert "from=<you@example.org>" in look.stdout
    finally:
        os.killpg(up.pid, signal.SIGINT)
        rest, _ = up.communicate(timeout=START_SECONDS)
    assert "all is stopped" in rest


def until_running(process) -> str:
    lines = []
    for line in process.stdout:
        lines.append(line)
        if "Ctrl-C stops everything" in line:
            return "".join(lines)
    pytest.fail("make up ended too early:\n" + "".join(lines[-40:]))


def table_rows(text: str) -> list[tuple[str, str]]:
    """The samples and what became of them."""
    rows = re.findall(r"^up +\| (\w[\w ]*?)  +[\d.]+ k?M?B +\w+ +(\w.*?)  +[\d.]+ s  ok$", text, re.MULTILINE)
    assert rows
    return sorted(rows)
