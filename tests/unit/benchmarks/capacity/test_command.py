from pathlib import Path

import pytest
from msgspec.structs import replace

from benchmarks.capacity import command
from benchmarks.capacity.command import main
from benchmarks.capacity.costs import COSTS, Engine, load, save
from benchmarks.table import Table


def test_a_plan_says_how_many_and_what_stops_it(capsys):
    assert main(["plan", "--rate", "100"]) == 0
    said = capsys.readouterr().out
    for word in (
        "edge groups",
        "edges",
        "scan machines",
        "deliver",
        "relays",
        "p99",
        "stopped by",
        "Mbit/s",
        "MB/s",
    ):
        assert word in said


def test_an_engine_without_costs_is_an_error(capsys):
    assert main(["plan", "--rate", "100", "--engine", "nothing"]) == 2
    assert "clamd" in capsys.readouterr().err


def test_validation_fails_when_a_figure_is_far_and_when_there_is_none(tmp_path, capsys):
    assert main(["--results", str(tmp_path), "validate"]) == 2
    table = Table("backlog", "Backlog: 200 messages")
    table.add("none", "msg/s", 1)
    table.save(tmp_path)
    assert main(["--results", str(tmp_path), "--machine-cores", "2", "validate"]) == 1
    assert "BEYOND" in capsys.readouterr().out


def test_costs_are_not_written_without_tables(tmp_path, capsys):
    kept = tmp_path / "costs.json"
    kept.write_bytes(COSTS.read_bytes())
    assert main(["--costs", str(kept), "--results", str(tmp_path / "none"), "costs"]) == 2
    assert kept.read_bytes() == COSTS.read_bytes()
    assert "backlog" in capsys.readouterr().err


def test_the_report_is_the_same_when_it_is_written_again(tmp_path, monkeypatch):
    pytest.importorskip("matplotlib", reason="of the extra bench")
    for name in ("PAGE", "PICTURE"):
        copy: Path = tmp_path / getattr(command, name).name
        copy.write_bytes(getattr(command, name).read_bytes())
        monkeypatch.setattr(command, name, copy)
    monkeypatch.setattr(command.page, "RATES", (50,))
    few = replace(load(), engines={"none": Engine(), "clamd": Engine(1)})
    save(few, tmp_path / "costs.json")
    report = ["--costs", str(tmp_path / "costs.json"), "--results", str(tmp_path / "none"), "report"]
    assert main(report) == 0
    once = [each.read_bytes() for each in (command.PAGE, command.PICTURE)]
    assert b"| 50 | none |" in once[0]
    assert main(report) == 0
    assert [each.read_bytes() for each in (command.PAGE, command.PICTURE)] == once
