from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def build(place, site):
    """Build the documentation in a directory as `make docs` does; return the exit status and what it said."""
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "-d", str(site)]
    done = subprocess.run(command, cwd=place, capture_output=True, text=True, check=False, timeout=120)
    return done.returncode, done.stderr + done.stdout


def test_the_documentation_builds_without_a_warning_and_has_every_page(tmp_path):
    status, said = build(ROOT, tmp_path)
    assert status == 0, said
    pages = {path.relative_to(ROOT / "docs").with_suffix(".html") for path in (ROOT / "docs").rglob("*.md")}
    assert pages <= {path.relative_to(tmp_path) for path in tmp_path.rglob("*.html")}


def test_a_broken_link_and_a_page_that_is_in_no_menu_are_errors(tmp_path):
    shutil.copytree(ROOT / "docs", tmp_path / "docs")
    shutil.copy(ROOT / "mkdocs.yml", tmp_path)
    (tmp_path / "docs" / "lost.md").write_text(
        "# Lost\n\n[gone](no-such-page.md) [there](guide.md#no-such-place)\n"
    )
    status, said = build(tmp_path, tmp_path / "site")
    assert status != 0
    assert "no-such-page.md" in said
    assert "no-such-place" in said
    assert 'not included in the "nav"' in said
