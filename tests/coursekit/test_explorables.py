"""Explorables: their formulas give genbook's numbers, and the directive says what it lacks."""

from __future__ import annotations

import json
from pathlib import Path

from explorable_vectors import DATA, vectors

from coursekit import web
from genbook.hands.traces import Trace

ROOT = Path(__file__).parents[2]


def test_every_formula_gives_genbooks_number() -> None:
    assert web.run_node(ROOT, "tests/formulas.js", json.dumps(vectors())) == ""


def test_an_altered_formula_is_noticed() -> None:
    """Each operator of each formula is exchanged in turn, and some vector tells."""
    assert web.run_node(ROOT, "tests/formulas.js", json.dumps(vectors()), "mutants") == ""


def test_the_data_are_those_of_the_book() -> None:
    """Images, clouds, and programs as Python runs them."""
    assert {f"{name}.json" for name in DATA} == {p.name for p in (ROOT / "web/data").iterdir()}
    for name, made in DATA.items():
        assert (ROOT / f"web/data/{name}.json").read_text("utf-8") == made(), name


def test_a_trace_tells_rebinding_from_changing() -> None:
    """The classic cases, by hand: what a line ties, and what it changes."""
    told = [state["words"] for state in Trace("a = [1]\nb = a\na += [2]\na = a + [3]\n").states]
    assert told == [
        [],
        ["a is tied to a new list."],
        ["b is tied to the list of a."],
        ["The list of a and b changes."],
        ["a is tied to a new list."],
    ]
