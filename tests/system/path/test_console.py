import shutil
import subprocess
import tempfile
import time
from pathlib import Path

import pytest

from mailmill_local.load import Letter
from mailmill_local.servers.base import SEARCH_PATH

pytestmark = pytest.mark.system


@pytest.fixture
def page(require):
    """What a browser shows of an address, as HTML, once its scripts have run."""
    require("chromium")
    browser = shutil.which("chromium", path=SEARCH_PATH)

    def show(url):
        with tempfile.TemporaryDirectory() as profile:
            flags = [
                "--headless",
                "--no-sandbox",
                "--disable-gpu",
                "--disable-quic",
                "--no-first-run",
                "--disable-background-networking",
                "--disable-component-update",
                "--disable-sync",
                f"--user-data-dir={profile}",
                "--virtual-time-budget=8000",
            ]
            command = [browser, *flags, "--dump-dom", url]
            return subprocess.run(command, check=True, capture_output=True, text=True, timeout=60).stdout

    return show


def test_flower_shows_tasks_by_name_with_counts_and_never_contents(start, page):
    running = start("console", console=True)
    secret = "a word that stands only in the message"
    letters = [
        Letter("sender@example.org", (f"flower{n}@example.com",), f"Subject: {secret}\n\n{secret}\n".encode())
        for n in range(5)
    ]
    assert all(answer.accepted for answer in running.send(letters))
    running.wait_until_empty()
    address = f"http://127.0.0.1:{running.system.ports.flower}"
    deadline = time.monotonic() + 30
    while "mailmill.deliver" not in (tasks := page(f"{address}/tasks")):
        assert time.monotonic() < deadline, tasks
    assert "mailmill.scan" in tasks
    assert "edge1: 1 message" in tasks
    assert secret not in tasks
    workers = page(f"{address}/workers")
    assert "scan@" in workers
    assert "deliver@" in workers


def test_a_page_of_the_browser_really_comes_from_the_server(page, tmp_path):
    (Path(tmp_path) / "index.html").write_text("<script>document.write('made ' + 'here')</script>")
    assert "made here" in page((Path(tmp_path) / "index.html").as_uri())
