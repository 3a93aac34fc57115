"""What the API page makes of a docstring: formulas are typeset, code is shown as it is written."""

from __future__ import annotations

import textwrap

import pytest
from docutils.core import publish_doctree
from docutils.nodes import document, literal, literal_block, math
from hypothesis import given
from hypothesis import strategies as st

from coursekit.docstrings import plain_docstring


def shown(text: str, what: str = "function") -> document:
    """The docstring as docutils reads it."""
    lines = textwrap.dedent(text).strip("\n").split("\n")
    before = len(lines)
    plain_docstring(None, what, "name", None, None, lines)
    assert len(lines) == before
    return publish_doctree("\n".join(lines), settings_overrides={"halt_level": 2})


def test_latex_is_a_formula_also_over_two_lines() -> None:
    tree = shown(r"""
        The norm $\|x\|$ and $\mu_a \, \{C
        b^*\}$, times *args.
    """)
    assert [node.astext() for node in tree.findall(math)] == [r"\|x\|", "\\mu_a \\, \\{C\nb^*\\}"]
    assert tree.astext().endswith(", times *args.")


@pytest.mark.parametrize(
    "prose", ["|x| ≤ |y| and |z|", "of *samples and **kwargs", "|a|_2 * |b|_2"]
)
def test_bars_and_stars_of_prose_are_themselves(prose: str) -> None:
    assert shown(prose).astext() == prose


@pytest.mark.parametrize("code", ["|a − b| ≤ rtol |b|", "f(*args)", "cost $5 |x|", "(N, *shape)"])
def test_code_is_shown_as_it_is_written(code: str) -> None:
    (inline,) = shown(f"Before |x| ``{code}`` after *args.").findall(literal)
    assert inline.astext() == code
    (block,) = shown(f"Before::\n\n    {code}\n    {code}\n\nAfter |x|.").findall(literal_block)
    assert block.astext() == f"{code}\n{code}"


def test_the_paragraph_after_a_literal_block_is_prose_again() -> None:
    assert shown("A::\n\n    |x|\n\n|y| is $z$.").astext() == "A:\n\n|x|\n\n|y| is z."


def test_emphasis_stays_and_roles_stay() -> None:
    tree = shown("An *exact* value, see :math:`a|b`.")
    assert tree.astext() == "An exact value, see a|b."


def test_what_a_constant_is_comes_before_no_colon() -> None:
    """Napoleon would take the words before it for a type."""
    assert shown("Names: all of them: each.", "data").astext() == "Names — all of them: each."


@given(st.lists(st.text("ab |*", min_size=1, max_size=30).map(str.strip), max_size=4))
def test_any_prose_keeps_its_lines_and_letters(lines: list[str]) -> None:
    copy = list(lines)
    plain_docstring(None, "function", "name", None, None, copy)
    assert [line.replace("\\", "") for line in copy] == lines
