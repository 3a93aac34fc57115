"""Nothing has to be believed: every labelled claim of the book is checked by one of these calls.

    verify.identity("eq-ddim-update", lhs, rhs)               symbols: the difference is zero
    verify.close("eq-sde-reverse", computed, expected)        two independent computations
    verify.statistic("eq-ddpm-marginal", samples, expected)   a mean within z standard errors
    verify.claim("claim-ddim-20-steps", value, "<=", bound)   an experiment's headline

Each takes ``rejects={"missing square root": …}``: near mistakes by name, with the value that each
of them would give (or a function of no argument that computes it). The check is green only if the
claim holds and every near mistake is refused, by the same rule and the same tolerance. *Near* means
of the claim's order: between a tenth and ten times its size in an entry in which it differs. What
is farther off in every entry is an error, because refusing it proves nothing.

A check that cannot fail is worse than none. So each call also checks itself: it refuses arguments
for which it would have passed whatever the equation says, by their values and, where the caller's
source can be read, by how they are written. Each prints one line that is the same on
every machine, because notebooks store and compare it:

    eq-ddpm-marginal ✓ statistic, 20000 samples, z < 4; refuses: product to t − 1, lost root

If that is wider than a page, it goes on in lines that begin with two spaces.
"""

from __future__ import annotations

import math
import operator
import sys
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

import numpy as np
import sympy as sp

from genbook import _guards, _near, _source, _symbolic
from genbook._near import Rejects
from genbook._verifying import VerificationError, check_label, fail, finite, numbers, worst

__all__ = ["Record", "VerificationError", "claim", "close", "identity", "ledger", "statistic"]

_RELATIONS = {"<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge}
_FEWEST_SAMPLES = 100
# No sample's mean is that near to what it estimates, in standard errors, unless one is the other.
_OWN_MEAN = 1e-4


@dataclass(frozen=True)
class Record:
    """One check that passed: label, method (symbolic, numeric, statistic, claim), what was said."""

    label: str
    method: str
    detail: str
    rejects: tuple[str, ...] = ()


_LEDGER: list[Record] = []


def ledger() -> list[Record]:
    """The checks that passed in this session, in the order in which they ran (a copy)."""
    return list(_LEDGER)


def identity(label: str, lhs: Any, rhs: Any, *, rejects: Rejects | None = None) -> None:
    """Check that two SymPy expressions (or matrices) are equal: simplify(lhs − rhs) = 0.

    Leave the operation that the claim is about unevaluated (``sp.Derivative``, ``sp.Integral``,
    ``sp.Sum``, or an expression in the definitions): it is carried out here. Declare positive
    symbols positive, or roots do not simplify. ``rejects`` names wrong right-hand sides.

    Guards: both sides must not be the same expression from the start; one of them must contain a
    symbol, and none a floating-point number, which is never exact; and dropping any term of
    ``rhs``, or changing any number in it, must break the equality (for a constant ``rhs``, the same
    holds for ``lhs``).

    Raises:
        VerificationError: the difference is not zero, a near mistake is accepted or far, or a guard
            finds the check empty.
        TypeError: a side is not an expression.
    """
    check_label(label)
    pairs = _symbolic.pairs(lhs, rhs)
    if lhs == rhs:
        fail(
            label,
            f"both sides are the same expression, {lhs}, before anything is computed, so nothing "
            "is checked. Leave the operation unevaluated: sp.Derivative, sp.Integral, sp.MatMul.",
        )
    if not any(side.atoms(sp.Symbol) for pair in pairs for side in pair):
        fail(label, "neither side contains a symbol: compare numbers with verify.close.")
    if any(side.atoms(sp.Float) for pair in pairs for side in pair):
        fail(label, "a floating-point number is not exact: write sp.Rational(1, 10) for 0.1.")
    for left, right in pairs:
        difference = _symbolic.difference(left, right)
        if difference != 0:
            fail(label, _symbolic.explain(left, right, difference))
    unnoticed = _symbolic.unnoticed_change(pairs)
    if unnoticed:
        fail(label, f"the check is empty: {unnoticed}, and the sides are still equal.")
    names = []
    for name, wrong in _near.named(label, rejects):
        _near.check_expression(label, name, wrong, lhs, rhs)
        names.append(name)
    _record(label, "symbolic", "", names)


def close(
    label: str,
    computed: Any,
    expected: Any,
    rtol: float = 1e-6,
    atol: float = 0.0,
    *,
    rejects: Rejects | None = None,
) -> None:
    """Check that two computations agree, entry by entry and without broadcasting.

        ``|computed − expected| ≤ atol + rtol · |expected|``

    ``computed`` and ``expected`` are numbers, NumPy arrays or torch tensors of one shape that come
    from two *independent* computations. ``rejects`` names wrong values of ``expected``; each must
    be missed by ``computed`` by more than twice what is allowed, in some entry.

    Guards: refuses one object for both and shared memory; empty arrays, NaN, infinities, all zeros
    and arrays of one repeated value (which cannot tell a permutation or a wrong index); a tolerance
    that would accept an error of 0.1 % of the expected size, or of 1 % beside named near mistakes;
    and an absolute tolerance, unless it is of rounding only, that hides an error of 1 % in the
    smallest entry.

    Raises:
        VerificationError: they differ, a near mistake is accepted or far, or a guard finds that
            they could not differ.
        TypeError: one of them is not numeric.
    """
    check_label(label)
    if computed is expected:
        fail(label, "both sides are one object, so nothing is compared.")
    if np.shares_memory(numbers(label, computed, "computed"), numbers(label, expected, "expected")):
        fail(label, "both sides share their memory, so nothing is compared.")
    # The shapes come first: what is compared with nothing is not yet worth a closer look.
    left, right = numbers(label, computed, "computed"), numbers(label, expected, "expected")
    if left.shape != right.shape:
        fail(label, f"computed has shape {left.shape} and expected {right.shape}.")
    left, right = finite(label, left, "computed"), finite(label, right, "expected")
    if not right.any():
        fail(
            label, "expected is all zeros: compare a sum, or the two terms whose difference it is."
        )
    if right.size > 1 and (right == right.flat[0]).all():
        fail(
            label,
            f"all {right.size} entries of expected are {right.flat[0]:.6g}: a constant hides wrong "
            "indices. Choose other inputs or compare one number.",
        )
    size = _guards.check_tolerance(label, right, rtol, atol, bool(rejects))
    allowed = atol + rtol * np.abs(right)
    error = np.abs(left - right)
    if (error > allowed).any():
        at, where = worst(error - allowed)
        fail(
            label,
            f"computed {left[at]:.12g} is not expected {right[at]:.12g}{where} "
            f"(difference {error[at]:.3g}, allowed {allowed[at]:.3g}; "
            f"{int((error > allowed).sum())} of {error.size} entries differ).",
        )
    names = []
    for name, value in _near.named(label, rejects):
        wrong = _near.values(label, name, value, right.shape)
        if not (np.abs(left - wrong) > 2 * (atol + rtol * np.abs(wrong))).any():
            fail(label, f"the near mistake “{name}” is accepted too, within twice the tolerance.")
        _near.check_near(label, name, wrong, right, size)
        names.append(name)
    _record(label, "numeric", f"rtol {rtol:g}" + (f", atol {atol:g}" if atol else ""), names)


def statistic(
    label: str,
    samples: Any,
    expected: Any,
    z: float = 4.0,
    alternative: Any = None,
    *,
    rejects: Rejects | None = None,
) -> None:
    """Check that the mean of independent samples lies within z standard errors of ``expected``.

    ``samples`` has shape (n, …) and ``expected`` shape (…); to check a variance, give squares. The
    standard error is std(samples) / √n. With k components z is widened by Bonferroni, so that the
    whole check errs as seldom as a single one at z.

    ``rejects`` names the values, of the shape of ``expected``, that near mistakes would give (β_t
    where √β_t belongs). The standard error must be small enough to tell each of them in at least
    one component: ``|wrong − expected| > 2 z · error``. A component in which no near mistake is
    told must be able to see an error of 10 % of the largest ``|expected|``. (``alternative`` is the
    old spelling of one near mistake, without a name and however far.)

    Raises:
        VerificationError: the mean is too far off, the samples are too few or constant, their mean
            is ``expected`` itself, the standard error is too wide, or a near mistake is far.
        TypeError: samples or expected are not numeric.
    """
    check_label(label)
    shape = numbers(label, samples, "samples").shape
    given = numbers(label, expected, "expected").shape
    if not shape or shape[1:] != given:
        fail(label, f"samples of shape {shape} need expected of shape {shape[1:]}, not {given}.")
    n = shape[0]
    if n < _FEWEST_SAMPLES:
        fail(label, f"{n} samples are too few for a standard error; at least {_FEWEST_SAMPLES}.")
    values, target = finite(label, samples, "samples"), finite(label, expected, "expected")
    if not 2.0 <= z <= 6.0:
        fail(label, f"z = {z:g} is not between 2 (false alarms) and 6 (sees nothing).")
    error = values.std(axis=0, ddof=1) / math.sqrt(n)
    if (error == 0).any():
        fail(label, "the samples of a component are all equal: there is nothing random to test.")
    limit = -NormalDist().inv_cdf(NormalDist().cdf(-z) / target.size)
    mistakes = [
        (name, _near.values(label, name, value, target.shape))
        for name, value in _near.named(label, rejects)
    ]
    if alternative is not None:
        mistakes.append(("alternative", _near.values(label, "alternative", alternative, given)))
    _guards.check_resolution(label, target, mistakes, 2 * limit * error, n)
    mean = values.mean(axis=0)
    score = np.abs(mean - target) / error
    if (score > limit).any():
        at, where = worst(score)
        fail(
            label,
            f"the mean {mean[at]:.6g} ± {error[at]:.2g} of {n} samples is "
            f"{score[at]:.1f} standard errors from {target[at]:.6g}{where}.",
        )
    if (score < _OWN_MEAN).all():
        fail(label, "expected is the mean of these very samples, so nothing is compared.")
    for name, wrong in mistakes:
        if not (np.abs(mean - wrong) > limit * error).any():
            fail(label, f"the near mistake “{name}” is accepted too.")
        if name != "alternative":
            _near.check_near(label, name, wrong, target, float(values.std()))
    family = f" (Bonferroni over {target.size})" if target.size > 1 else ""
    names = [name for name, _ in mistakes if name != "alternative"]
    _record(label, "statistic", f"{n} samples, z < {z:g}{family}", names)


def claim(
    label: str, value: Any, relation: str, bound: float, *, rejects: Rejects | None = None
) -> None:
    """Check an experiment's headline: ``value relation bound``, with relation one of < <= > >=.

    ``value`` is a number or an interval with fields ``value, low, high`` (``evaluation.bootstrap``
    gives one); of an interval the end counts that is worse for the claim. ``bound`` is a number
    written in the text, not one measured beside the value.

    ``rejects`` names what would falsify the headline, as values in the place of ``value``: what the
    baseline itself gives, or another method. Each must fail the relation; of an interval the end
    that is better for the claim must fail it. Near means near the bound.

    Raises:
        VerificationError: the relation fails, the value is NaN or a boolean, value and bound are
            one object, or a near mistake satisfies the relation or is far.
        ValueError: another relation.
        TypeError: value or bound is not a number.
    """
    check_label(label)
    if relation not in _RELATIONS:
        raise ValueError(f"{label}: relation {relation!r} is not one of {', '.join(_RELATIONS)}")
    if type(bound) not in (int, float):
        raise TypeError(f"{label}: bound must be a plain number, not {type(bound).__name__}")
    if value is bound:
        fail(label, "value and bound are one object, so nothing is compared.")
    if not math.isfinite(bound):
        fail(label, f"the bound is {bound}: it must be finite.")
    holds, below = _RELATIONS[relation], relation.startswith("<")
    low, middle, high = _guards.interval(label, value)
    measured = high if below else low
    ends = f" (interval {low:.6g} … {high:.6g})" if low != high else ""
    if not holds(measured, bound):
        fail(label, f"measured {middle:.6g}{ends}, which is not {relation} {bound:g}.")
    names = []
    for name, wrong in _near.named(label, rejects):
        low, middle, high = _guards.interval(label, wrong)
        if holds(low if below else high, bound):
            fail(label, f"the near mistake “{name}”, {middle:.6g}, is {relation} {bound:g} too.")
        scale = abs(measured) or 1.0
        _near.check_near(label, name, np.asarray(middle), np.asarray(float(bound)), scale)
        names.append(name)
    side = f"{'upper' if below else 'lower'} end of the interval "
    _record(
        label,
        "claim",
        f"{side if _guards.is_interval(value) else 'measured '}{relation} {bound:g}",
        names,
    )


def _record(label: str, method: str, detail: str, rejects: list[str]) -> None:
    empty = _source.of_caller(sys._getframe(2))
    if empty:
        fail(label, empty)
    # The line of a claim says only "upper end … <= 2": the measured digits belong to a machine.
    words = [] if method == "claim" else [method]
    first = f"{label} ✓ {', '.join([*words, *([detail] if detail else [])])}"
    print(_near.line(first, rejects))
    _LEDGER.append(Record(label, method, detail, tuple(rejects)))
