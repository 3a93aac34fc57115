"""The harness of the benchmarks measures ratios, and says what it does not know."""

from __future__ import annotations

import json
import sys
import types
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture(autouse=True)
def importable(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT))


def busy(n):
    return lambda: sum(range(n))


def test_the_ratio_of_known_work():
    from benchmarks.harness import compare

    (same, four) = compare(
        "sums",
        busy(20_000),
        {"as much": (busy(20_000), 2.0), "four times as much": (busy(80_000), 0.1)},
        rounds=9,
        slice_seconds=0.002,
    )
    assert 0.6 < same.ratio < 1.6 and same.met
    assert 0.15 < four.ratio < 0.4 and not four.met
    assert same.low <= same.high and same.peer == "as much"


def test_the_table_and_the_json(monkeypatch, capsys, tmp_path):
    from benchmarks import __main__ as command
    from benchmarks.harness import Comparison

    fake = types.ModuleType("benchmarks.steps")
    fake.run = lambda: [Comparison("step", "peer", 1.0, 10.0, 0.1, 0.09, 0.11, 0.2)]
    monkeypatch.setitem(sys.modules, "benchmarks.steps", fake)
    file = tmp_path / "results.json"
    assert command.main(["steps", "--json", str(file)]) == 0
    head, row = capsys.readouterr().out.splitlines()
    assert head.split()[:2] == ["work", "peer"] and row.split()[-1] == "met"
    assert json.loads(file.read_text())["results"][0]["ratio"] == 0.1
    assert "steps" in command.available() and "harness" not in command.available()


def test_unknown_names_are_refused(capsys):
    from benchmarks import __main__ as command

    with pytest.raises(SystemExit) as stop:
        command.main(["nope"])
    assert stop.value.code == 2
    assert "unknown benchmark nope: use" in capsys.readouterr().err
