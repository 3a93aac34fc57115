"""Points follow effort: what a question gives is read off its reference answer.

The rule is in CONTRIBUTING and on the page for teachers. An answer of twice the size is one point
more, training a network is three, and one may be added for an idea that the length does not show.
"""

from __future__ import annotations

import ast
import inspect
import textwrap
from itertools import permutations

import pytest

from coursekit.exercises import registry
from genbook import checks

REGISTRY = [q for slug in checks.slugs() for q in checks.questions(slug)]
WORDS, PENCIL, TRAINING, IDEA = 2, 2, 3, 1
OPERATIONS = (
    *(ast.stmt, ast.comprehension, ast.Call, ast.Subscript),
    *(ast.BinOp, ast.UnaryOp, ast.BoolOp, ast.Compare, ast.IfExp),
)


def size(answer) -> int:
    """Statements and operations of a function or class, without what the sheet gives of it.

    Given are the heads and the texts for a reader.
    """
    tree = ast.parse(textwrap.dedent(inspect.getsource(answer)))
    nodes = [node for node in ast.walk(tree) if isinstance(node, OPERATIONS)]
    heads = [n for n in nodes if isinstance(n, ast.FunctionDef | ast.ClassDef)]
    texts = [n for n in nodes if isinstance(n, ast.Expr) and isinstance(n.value, ast.Constant)]
    return len(nodes) - len(heads) - len(texts)


def of_size(n: int) -> int:
    """1 point up to 7, 2 up to 15, 3 up to 31, 4 up to 63, and so on."""
    return max(1, n.bit_length() - 2)


def least(q) -> int:
    """The points that the rule gives without an idea."""
    if q.manual:
        return WORDS
    if q.training is None and by_hand(q):
        return PENCIL
    return of_size(size(q.reference)) + TRAINING * (q.training is not None)


def by_hand(q) -> bool:
    return not any(case.args or case.kwargs for case in q.cases(0))


@pytest.mark.parametrize("q", REGISTRY, ids=lambda q: q.id)
def test_points_are_those_of_the_rule(q):
    rule = least(q)
    most = rule if q.manual or q.training or by_hand(q) else rule + IDEA
    assert rule <= q.points <= most, f"{q.id}: {rule} to {most} by the rule, not {q.points}"


@pytest.mark.parametrize("slug", checks.slugs())
def test_a_clearly_longer_answer_never_gives_fewer_points(slug):
    written = [q for q in registry(slug) if not q.manual and (q.training or not by_hand(q))]
    assert len(written) >= 3
    for short, long in permutations(written, 2):
        if size(long.reference) >= 2 * size(short.reference):
            assert long.points >= short.points, f"{long.id} gives less than {short.id}"


def test_training_a_network_gives_well_more_than_one_line_of_it():
    points = {q.id: q.points for q in REGISTRY}
    assert points["ddpm.train"] >= 3 * points["ddpm.q_sample"]
    assert points["ddpm.train"] == max(q.points for q in checks.questions("ddpm"))


def test_few_points_are_for_ideas():
    """At most a quarter of the questions, or the rule would be none."""
    ideas = [q.id for q in REGISTRY if q.points > least(q)]
    assert len(ideas) <= len(REGISTRY) / 4, ideas


def test_a_size_counts_what_is_written():
    assert size(Sample) == 7  # two assignments, a return, and +, **, * and the choice
    assert [of_size(n) for n in (1, 7, 8, 15, 16, 31, 32, 64)] == [1, 1, 2, 2, 3, 3, 4, 5]


class Sample:
    """Two methods."""

    def __init__(self, x):
        """Keep it."""
        self.x = x + 1

    def square(self):
        y = self.x**2
        return 3 * y if y else 0
