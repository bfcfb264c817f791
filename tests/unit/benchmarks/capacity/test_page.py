import pytest

from benchmarks.capacity import page
from benchmarks.capacity.command import PAGE, PICTURE
from benchmarks.capacity.costs import load
from benchmarks.capacity.shape import CORES
from benchmarks.capacity.sizing import plan


def test_the_page_fits_the_costs():
    costs, text = load(), PAGE.read_text()
    again = "run: python -m benchmarks.capacity report"
    assert page.between(text, "costs") == page.costs_table(costs), again
    assert page.between(text, "limits") == page.limits_table(costs, CORES), again
    assert page.digest(costs) in page.between(text, "clusters"), again


def test_the_first_row_of_the_page_is_what_the_model_says():
    costs = load()
    row = page.plans_table([plan(costs, page.RATES[0], "none")]).splitlines()[-1]
    assert row in page.between(PAGE.read_text(), "clusters"), "run: python -m benchmarks.capacity report"


def test_every_rate_and_engine_has_a_row_and_the_picture_is_there():
    rows = page.between(PAGE.read_text(), "clusters").splitlines()
    for engine in load().engines:
        for rate in page.RATES:
            assert sum(row.startswith(f"| {rate:,} | {engine} |") for row in rows) == 1
    assert "<svg" in PICTURE.read_text()
    assert page.between(PAGE.read_text(), "validation")
    assert page.between(PAGE.read_text(), "bytes")


def test_text_is_put_between_the_marks_and_only_there():
    begin, end = page.mark("x")
    made = page.insert(f"a\n{begin}\nold\n{end}\nb", "x", "new")
    assert page.between(made, "x") == "new"
    assert made.startswith("a\n")
    assert made.endswith("\nb")
    assert page.insert(made, "x", "new") == made
    with pytest.raises(page.PageError, match="y"):
        page.insert(made, "y", "new")
