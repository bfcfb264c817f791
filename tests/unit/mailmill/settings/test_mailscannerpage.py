from __future__ import annotations

from pathlib import Path

from mailmill.settings.known import KNOWN
from mailmill.settings.mailscannerpage import mailscanner_page

PAGE = Path(__file__).parents[4] / "docs/reference/mailscanner-options.md"


def test_the_page_in_the_tree_is_up_to_date():
    # When this fails: mailmill conf reference --mailscanner > docs/reference/mailscanner-options.md
    assert PAGE.read_text("utf-8") == mailscanner_page()


def test_every_option_has_a_row_of_five_columns():
    rows = [line.replace("\\|", "") for line in mailscanner_page().splitlines() if line.count("|") == 6]
    names = [row.split("|")[1].strip().replace("\\", "") for row in rows]
    assert [name for name in names if name not in {"Option", "---"}] == [k.name for k in KNOWN.values()]


def test_what_a_ruleset_means_here_is_said_where_it_differs():
    page = mailscanner_page()
    assert "| Notices To | supported | `postmaster` | all matches |" in page
    assert "| all matches; here no | Several sockets" in page
