"""Each row of the paper dictionary means the same in both notations."""

import math
from dataclasses import replace

import pytest
import sympy as sp

from genbook.papers import OURS, PAPERS, ROWS, Row, Setting, evaluate

IDS = [f"{row.paper}-{row.what}" for row in ROWS]


@pytest.mark.parametrize("row", ROWS, ids=IDS)
def test_both_notations_give_the_same_number(row: Row) -> None:
    theirs, ours = evaluate(row)
    assert math.isclose(theirs, ours, rel_tol=1e-8)
    assert theirs != 0


@pytest.mark.parametrize("row", ROWS, ids=IDS)
def test_a_changed_coefficient_is_noticed(row: Row) -> None:
    """Scaling any one symbol of their formula by 1 % must break the equality."""
    _, ours = evaluate(row)
    for symbol in row.theirs.free_symbols:
        changed = replace(row, theirs=row.theirs.subs(symbol, 1.01 * symbol))
        theirs, _ = evaluate(changed)
        assert not math.isclose(theirs, ours, rel_tol=1e-6), symbol


def test_confusing_alpha_with_alpha_bar_is_noticed() -> None:
    """The classic: reading DDIM's alpha_t as DDPM's alpha_t."""
    row = next(row for row in ROWS if row.paper == "song2021denoising")
    alpha = next(s for s in row.theirs.free_symbols if s.name == r"\alpha_t")
    a_t = next(s for s in OURS if s.name == "a_t")
    assert math.isclose(*(side**2 for side in _rates(row, alpha, a_t)), rel_tol=1e-9)
    ddpm = PAPERS["ho2020denoising"].symbols
    beta = next(s for s in ddpm if s.name == r"\beta_t")
    assert abs((1 - ddpm[beta](Setting())) - _rates(row, alpha, a_t)[1] ** 2) > 0.5


def _rates(row: Row, alpha: sp.Symbol, a_t: sp.Symbol) -> tuple[float, float]:
    return evaluate(Row(row.paper, "", sp.sqrt(alpha), a_t))


def test_no_formula_is_used_twice_for_one_paper() -> None:
    keys = [(row.paper, row.what) for row in ROWS]
    assert len(keys) == len(set(keys))
