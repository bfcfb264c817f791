"""docs/rules.md names code and tests that are there."""

import re
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parents[2]
ROWS = re.findall(r"^\| (R\d+) \|(.*)\|$", (CHECKOUT / "docs" / "rules.md").read_text(), re.MULTILINE)


def test_every_rule_has_a_row():
    assert [rule for rule, _ in ROWS] == [f"R{number}" for number in range(1, 21)]


@pytest.mark.parametrize(("rule", "row"), ROWS, ids=[rule for rule, _ in ROWS])
def test_the_code_and_the_test_of_a_rule_are_there(rule, row):
    _, code, test = row.rsplit("|", 2)
    for path in re.findall(r"`([^`:]+)`|\(([^)]+)\)", code):
        assert (CHECKOUT / (path[0] or f"docs/{path[1]}")).exists()
    path, name = test.strip().strip("`").split("::")
    assert f"def {name}(" in (CHECKOUT / path).read_text()
