from __future__ import annotations

from pathlib import Path

from mailmill.settings.options import TABLE
from mailmill.settings.reference import reference_page

PAGE = Path(__file__).parents[4] / "docs/reference/options.md"


def test_the_page_in_the_tree_is_up_to_date():
    # When this fails: mailmill conf reference > docs/reference/options.md
    assert PAGE.read_text("utf-8") == reference_page()


def test_every_option_has_a_section():
    sections = [line for line in reference_page().splitlines() if line.startswith("### ")]
    assert sections == [f"### {option.name}" for option in TABLE.values()]
