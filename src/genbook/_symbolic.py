"""The symbolic part of ``verify.identity``: differences, and changes that must not go unnoticed.

Proving equality is SymPy's work. That a *changed* equation is no longer one is shown numerically,
at random points: this is quick, and a difference found at one point is a proof.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

import sympy as sp
from sympy.core.function import AppliedUndef, UndefinedFunction

Pair = tuple[sp.Expr, sp.Expr]

_POINTS = 3
_DIGITS = 40


def pairs(lhs: Any, rhs: Any) -> list[Pair]:
    """The scalar equations in lhs = rhs: one for expressions, one an entry for matrices."""
    if isinstance(lhs, str) or isinstance(rhs, str):
        raise TypeError("give SymPy expressions, not text")
    left, right = _explicit(sp.sympify(lhs)), _explicit(sp.sympify(rhs))
    if isinstance(left, sp.MatrixBase) and isinstance(right, sp.MatrixBase):
        if left.shape != right.shape:
            raise TypeError(f"matrices of shapes {left.shape} and {right.shape} cannot be equal")
        return list(zip(left, right, strict=True))
    for side in (left, right):
        if not isinstance(side, sp.Expr) or side.is_Matrix:
            raise TypeError(
                "two expressions, or two matrices with entries, are needed; one side is a "
                f"{type(side).__name__}"
            )
    return [(left, right)]


def _explicit(side: Any) -> Any:
    """A product or sum of matrices (sp.MatMul, …) carried out; all else as it is."""
    return side.doit() if isinstance(side, sp.MatrixExpr) else side


def difference(left: sp.Expr, right: sp.Expr) -> sp.Expr:
    """left − right, simplified; zero if SymPy can show that the two are equal."""
    raw = (left - right).doit()
    for simplify in (lambda e: e, sp.expand, sp.simplify, _by_force):
        result = simplify(raw)
        if result == 0:
            return sp.S.Zero
    return result


def _by_force(expression: sp.Expr) -> sp.Expr:
    """For what ``simplify`` leaves: common denominator, roots and logarithms joined."""
    merged = sp.logcombine(sp.powsimp(sp.together(sp.expand(expression)), force=True), force=True)
    return sp.simplify(sp.radsimp(merged))


def explain(left: sp.Expr, right: sp.Expr, rest: sp.Expr) -> str:
    """Why left = right was not shown: it is false at a point, or SymPy needs help."""
    at = _point(left - right, random.Random(0))
    if vanishes(left - right):
        return (
            f"the sides agree at random points, but SymPy is left with {rest}. Declare symbols as "
            "positive, or bring one side nearer to the other."
        )
    try:
        values = f"{sp.N(_value(left, at), 8)} and {sp.N(_value(right, at), 8)}"
        where = ", ".join(f"{name} = {sp.N(value, 4)}" for name, value in at.items())
        return f"the sides differ by {rest}; at {where} they are {values}."
    except (TypeError, ValueError):
        return f"the sides differ by {rest}."


def vanishes(expression: sp.Expr) -> bool:
    """Whether the expression is zero at a few random points within the symbols' assumptions."""
    numbers = random.Random(0)
    for _ in range(_POINTS):
        value = _value(expression, _point(expression, numbers))
        size = abs(sp.N(value, _DIGITS))
        if size.is_comparable and size > sp.Float(10) ** (-_DIGITS // 2):
            return False
        if not size.is_comparable and not size.is_zero:
            return False
    return True


def ratios(wrong: sp.Expr, right: sp.Expr) -> list[float | None]:
    """|wrong / right| at a few random points; ``None`` where the right value is zero."""
    numbers = random.Random(0)
    found: list[float | None] = []
    for _ in range(_POINTS):
        at = _point(right - wrong, numbers)
        both = [sp.Abs(sp.N(_value(side, at), _DIGITS)) for side in (wrong, right)]
        if both[1].is_zero or not both[1].is_comparable or not both[0].is_comparable:
            found.append(None)
        else:
            found.append(float(both[0] / both[1]))
    return found


def unnoticed_change(equations: list[Pair]) -> str | None:
    """A change of the equations that leaves them true, in words; None if there is none."""
    for left, right in equations:
        left = left.doit()
        sides = [(right, left)] if right.atoms(sp.Symbol) else [(right, left), (left, right)]
        for side, other in sides:
            for words, changed in changes(side):
                if vanishes((changed - other).doit()):
                    return words
    return None


def changes(expression: sp.Expr) -> Iterator[tuple[str, sp.Expr]]:
    """Wrong versions: each sum without one term or with one scaled, each number changed."""
    factor = sp.Rational(8, 7)
    yield f"scaling {expression} by 8/7", expression * factor if expression != 0 else sp.S.One
    for path, node in _nodes(expression, ()):
        if isinstance(node, sp.Add):
            for term in node.args:
                yield f"dropping the term {term}", _replace(expression, path, node - term)
                scaled = node - term + factor * term
                yield f"scaling the term {term} by 8/7", _replace(expression, path, scaled)
        elif node.is_Number and node.is_finite:
            changed = node + sp.Rational(1, 7)
            yield f"changing a number {node} to {changed}", _replace(expression, path, changed)


def _nodes(node: sp.Basic, path: tuple[int, ...]) -> Iterator[tuple[tuple[int, ...], sp.Basic]]:
    yield path, node
    # Limits of sums and integrals are tuples, and indices select: numbers there are not factors.
    if isinstance(node, sp.Indexed | AppliedUndef):
        return
    for i, child in enumerate(node.args):
        if isinstance(child, sp.Expr):
            yield from _nodes(child, (*path, i))


def _replace(node: sp.Basic, path: tuple[int, ...], new: sp.Basic) -> sp.Basic:
    if not path:
        return new
    args = list(node.args)
    args[path[0]] = _replace(args[path[0]], path[1:], new)
    return node.func(*args)


def _point(expression: sp.Expr, numbers: random.Random) -> dict[sp.Symbol, sp.Expr]:
    """A random value for every free symbol, between 0 and 1 where its assumptions allow."""
    point: dict[sp.Symbol, sp.Expr] = {}
    for symbol in sorted(expression.free_symbols, key=str):
        if not isinstance(symbol, sp.Symbol):
            continue
        if symbol.is_integer:
            value: sp.Expr = sp.Integer(numbers.randint(2, 6))
        else:
            value = sp.Rational(numbers.randint(101, 899), 1009)
        point[symbol] = -value if symbol.is_negative else value
    return point


def _value(expression: sp.Expr, point: dict[sp.Symbol, sp.Expr]) -> sp.Expr:
    """The expression at a point; undefined functions and indexed symbols get generic values."""
    functions = {call.func for call in expression.atoms(AppliedUndef)}
    for k, function in enumerate(sorted(functions, key=str)):
        if isinstance(function, UndefinedFunction):
            expression = expression.replace(function, _generic(k))
    integers = {s: v for s, v in point.items() if s.is_integer}
    expression = expression.doit().subs(integers).doit()
    indexed = sorted(expression.atoms(sp.Indexed), key=str)
    expression = expression.subs(
        {
            entry: sp.Rational(211 + 97 * k, 1013 + 50 * len(indexed))
            for k, entry in enumerate(indexed)
        }
    )
    return sp.N(expression.subs(point).doit(), _DIGITS)


def _generic(k: int) -> Any:
    """A smooth function of any number of arguments, another one for every k, with no symmetry."""
    return lambda *args: sum(
        sp.exp(sp.Rational(2 * i + k + 3, 11) * arg) + sp.sin((i + k + 2) * arg)
        for i, arg in enumerate(args)
    )
