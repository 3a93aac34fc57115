"""Nothing has to be believed: every labelled claim of the book is checked by one of these calls.

    verify.identity("eq-ddim-update", lhs, rhs)               symbols: the difference is zero
    verify.close("eq-sde-reverse", computed, expected)        two independent computations
    verify.statistic("eq-ddpm-marginal", samples, expected)   a mean within z standard errors
    verify.claim("claim-ddim-20-steps", value, "<=", bound)   an experiment's headline

A check that cannot fail is worse than none. So each call also checks itself: it refuses arguments
for which it would have passed whatever the equation says. Each prints exactly one line that is the
same on every machine, because notebooks store and compare it.
"""

from __future__ import annotations

import math
import operator
import re
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

import numpy as np
import sympy as sp
import torch

from genbook import _symbolic

__all__ = ["Record", "VerificationError", "claim", "close", "identity", "ledger", "statistic"]

_LABEL = re.compile(r"(eq|claim)-[a-z0-9][a-z0-9_-]*")
_RELATIONS = {"<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge}
# No tolerance may hide an error of this part of the expected size: real mistakes (a lost square
# root, beta for alpha, a factor 2) are larger, and rounding is far smaller.
_LARGEST_TOLERANCE = 1e-2
# Without an alternative, a statistic must be able to see an error of this part of the size.
_DEFAULT_ERROR = 0.1
_FEWEST_SAMPLES = 100


class VerificationError(AssertionError):
    """The claim does not hold, or the check given could not have told."""


@dataclass(frozen=True)
class Record:
    """One check that passed: label, method (symbolic, numeric, statistic, claim), what was said."""

    label: str
    method: str
    detail: str


_LEDGER: list[Record] = []


def ledger() -> list[Record]:
    """The checks that passed in this session, in the order in which they ran (a copy)."""
    return list(_LEDGER)


def identity(label: str, lhs: Any, rhs: Any) -> None:
    """Check that two SymPy expressions (or matrices) are equal: simplify(lhs − rhs) = 0.

    Leave the operation that the claim is about unevaluated (``sp.Derivative``, ``sp.Integral``,
    ``sp.Sum``, or an expression in the definitions): it is carried out here. Declare positive
    symbols positive, or roots do not simplify.

    Guards: both sides must not be the same expression from the start; one of them must contain a
    symbol, and none a floating-point number, which is never exact; and dropping any term of
    ``rhs``, or changing any number in it, must break the equality (for a constant ``rhs``, the same
    holds for ``lhs``).

    Raises:
        VerificationError: the difference is not zero, or a guard finds the check empty.
        TypeError: a side is not an expression.
    """
    _check_label(label)
    pairs = _symbolic.pairs(lhs, rhs)
    if lhs == rhs:
        _fail(
            label,
            f"both sides are the same expression, {lhs}, before anything is computed, so nothing "
            "is checked. Leave the operation unevaluated: sp.Derivative, sp.Integral, sp.MatMul.",
        )
    if not any(side.atoms(sp.Symbol) for pair in pairs for side in pair):
        _fail(label, "neither side contains a symbol: compare numbers with verify.close.")
    if any(side.atoms(sp.Float) for pair in pairs for side in pair):
        _fail(label, "a floating-point number is not exact: write sp.Rational(1, 10) for 0.1.")
    for left, right in pairs:
        difference = _symbolic.difference(left, right)
        if difference != 0:
            _fail(label, _symbolic.explain(left, right, difference))
    unnoticed = _symbolic.unnoticed_change(pairs)
    if unnoticed:
        _fail(label, f"the check is empty: {unnoticed}, and the sides are still equal.")
    _record(label, "symbolic", "")


def close(label: str, computed: Any, expected: Any, rtol: float = 1e-6, atol: float = 0.0) -> None:
    """Check that two computations agree, entry by entry and without broadcasting.

        ``|computed − expected| ≤ atol + rtol · |expected|``

    ``computed`` and ``expected`` are numbers, NumPy arrays or torch tensors of one shape that come
    from two *independent* computations.

    Guards: refuses one object for both and shared memory; empty arrays, NaN, infinities, all zeros
    and arrays of one repeated value (which cannot tell a permutation or a wrong index); and a
    tolerance that would accept an error of 1 % of the expected size.

    Raises:
        VerificationError: they differ, or a guard finds that they could not.
        TypeError: one of them is not numeric.
    """
    _check_label(label)
    if computed is expected:
        _fail(label, "both sides are one object, so nothing is compared.")
    if np.shares_memory(
        _numbers(label, computed, "computed"), _numbers(label, expected, "expected")
    ):
        _fail(label, "both sides share their memory, so nothing is compared.")
    left, right = _array(label, computed, "computed"), _array(label, expected, "expected")
    if left.shape != right.shape:
        _fail(label, f"computed has shape {left.shape} and expected {right.shape}.")
    for name, value in (("computed", left), ("expected", right)):
        _check_finite(label, name, value)
    if not right.any():
        _fail(
            label, "expected is all zeros: compare a sum, or the two terms whose difference it is."
        )
    if right.size > 1 and (right == right.flat[0]).all():
        _fail(
            label,
            f"all {right.size} entries of expected are {right.flat[0]:.6g}: a constant hides wrong "
            "indices. Choose other inputs or compare one number.",
        )
    size = float(np.median(np.abs(right[right != 0])))
    if not (0 <= rtol <= _LARGEST_TOLERANCE and 0 <= atol <= _LARGEST_TOLERANCE * size):
        _fail(
            label,
            f"the tolerance (rtol {rtol:g}, atol {atol:g}) would accept an error of more than 1 % "
            f"of the typical size {size:.3g}.",
        )
    allowed = atol + rtol * np.abs(right)
    error = np.abs(left - right)
    if (error > allowed).any():
        worst = np.unravel_index(np.argmax(error - allowed), error.shape)
        where = f" at index {tuple(int(i) for i in worst)}" if error.shape else ""
        _fail(
            label,
            f"computed {left[worst]:.12g} is not expected {right[worst]:.12g}{where} "
            f"(difference {error[worst]:.3g}, allowed {allowed[worst]:.3g}; "
            f"{int((error > allowed).sum())} of {error.size} entries differ).",
        )
    _record(label, "numeric", f"rtol {rtol:g}" + (f", atol {atol:g}" if atol else ""))


def statistic(
    label: str, samples: Any, expected: Any, z: float = 4.0, alternative: Any = None
) -> None:
    """Check that the mean of independent samples lies within z standard errors of ``expected``.

    ``samples`` has shape (n, …) and ``expected`` shape (…); to check a variance, give squares. The
    standard error is std(samples) / √n. With k components z is widened by Bonferroni, so that the
    whole check errs as seldom as a single one at z.

    ``alternative``, of the shape of ``expected``, is the value that the nearest mistake would give
    (β_t where √β_t belongs). The standard error must be small enough to tell the two in at least
    one component: ``|alternative − expected| ≥ 2 z · error``. Without an alternative every
    component must be able to see an error of 10 % of the largest ``|expected|``.

    Raises:
        VerificationError: the mean is too far off, the samples are too few or constant, or the
            standard error is too wide.
        TypeError: samples or expected are not numeric.
    """
    _check_label(label)
    values, target = _array(label, samples, "samples"), _array(label, expected, "expected")
    if values.ndim == 0 or values.shape[1:] != target.shape:
        _fail(
            label,
            f"samples of shape {values.shape} need expected of shape {values.shape[1:]}, "
            f"not {target.shape}.",
        )
    n = values.shape[0]
    if n < _FEWEST_SAMPLES:
        _fail(label, f"{n} samples are too few for a standard error; at least {_FEWEST_SAMPLES}.")
    _check_finite(label, "samples", values)
    _check_finite(label, "expected", target)
    if not 2.0 <= z <= 6.0:
        _fail(label, f"z = {z:g} is not between 2 (false alarms) and 6 (sees nothing).")
    error = values.std(axis=0, ddof=1) / math.sqrt(n)
    if (error == 0).any():
        _fail(label, "the samples of a component are all equal: there is nothing random to test.")
    components = target.size
    limit = -NormalDist().inv_cdf(NormalDist().cdf(-z) / components)
    _check_resolution(label, target, alternative, 2 * limit * error, n)
    mean = values.mean(axis=0)
    score = np.abs(mean - target) / error
    if (score > limit).any():
        worst = np.unravel_index(np.argmax(score), score.shape)
        where = f" at index {tuple(int(i) for i in worst)}" if score.shape else ""
        _fail(
            label,
            f"the mean {mean[worst]:.6g} ± {error[worst]:.2g} of {n} samples is "
            f"{score[worst]:.1f} standard errors from {target[worst]:.6g}{where}.",
        )
    family = f" (Bonferroni over {components})" if components > 1 else ""
    _record(label, "statistic", f"{n} samples, z < {z:g}{family}")


def claim(label: str, value: Any, relation: str, bound: float) -> None:
    """Check an experiment's headline: ``value relation bound``, with relation one of < <= > >=.

    ``value`` is a number or an interval with fields ``value, low, high`` (``evaluation.bootstrap``
    gives one); of an interval the end counts that is worse for the claim. ``bound`` is a number
    written in the text, not one measured beside the value.

    Raises:
        VerificationError: the relation fails, the value is NaN or a boolean, or value and bound are
            one object.
        ValueError: another relation.
        TypeError: value or bound is not a number.
    """
    _check_label(label)
    if relation not in _RELATIONS:
        raise ValueError(f"{label}: relation {relation!r} is not one of {', '.join(_RELATIONS)}")
    if type(bound) not in (int, float):
        raise TypeError(f"{label}: bound must be a plain number, not {type(bound).__name__}")
    if value is bound:
        _fail(label, "value and bound are one object, so nothing is compared.")
    if not math.isfinite(bound):
        _fail(label, f"the bound is {bound}: it must be finite.")
    interval = hasattr(value, "low") and hasattr(value, "high")
    if interval:
        low, high = _number(label, value.low), _number(label, value.high)
        middle = _number(label, value.value)
        if not low <= middle <= high:
            _fail(label, f"the interval {low:g} … {high:g} does not contain its value {middle:g}.")
        number = high if relation.startswith("<") else low
    else:
        number = _number(label, value)
    if not _RELATIONS[relation](number, bound):
        ends = f" (interval {value.low:.6g} … {value.high:.6g})" if interval else ""
        _fail(label, f"measured {number:.6g}{ends}, which is not {relation} {bound:g}.")
    side = f"{'upper' if relation.startswith('<') else 'lower'} end of the interval "
    _record(label, "claim", f"{side if interval else 'measured '}{relation} {bound:g}")


def _check_resolution(
    label: str, target: np.ndarray, alternative: Any, needed: np.ndarray, n: int
) -> None:
    """Refuse a standard error with which the mistake could pass; ``needed`` is 2 z · error."""
    if alternative is None:
        gap = np.full(target.shape, _DEFAULT_ERROR * np.abs(target).max())
        if not gap.any():
            _fail(label, "expected is zero and so has no scale of its own: give `alternative`.")
        told, wrong = bool((gap >= needed).all()), "a value that is off by 10 %"
        factor = float((needed / gap).max())
    else:
        other = _array(label, alternative, "alternative")
        if other.shape != target.shape:
            _fail(label, f"alternative has shape {other.shape} and expected {target.shape}.")
        _check_finite(label, "alternative", other)
        gap = np.abs(other - target)
        if not gap.any():
            _fail(label, "alternative equals expected: it must be what a mistake would give.")
        told, wrong = bool((gap >= needed).any()), "the alternative"
        factor = float((needed[gap > 0] / gap[gap > 0]).min())
    if not told:
        _fail(
            label,
            f"the standard error of {n} samples is too wide to tell expected from {wrong}; about "
            f"{math.ceil(n * factor**2)} samples could.",
        )


def _numbers(label: str, value: Any, name: str) -> np.ndarray:
    """The value as a NumPy array, of numbers, on the same memory where that is possible."""
    if isinstance(value, torch.Tensor):
        value = value.detach().cpu().resolve_conj().resolve_neg()
        value = value.double().numpy() if value.dtype == torch.bfloat16 else value.numpy()
    array = np.asarray(value)
    if array.dtype == bool or array.dtype.kind not in "iufc":
        raise TypeError(
            f"{label}: {name} must be numbers, not {type(value).__name__} {value!r:.60}"
        )
    if array.size == 0:
        _fail(label, f"{name} is empty.")
    return array


def _array(label: str, value: Any, name: str) -> np.ndarray:
    """The value in double precision, real or complex."""
    array = _numbers(label, value, name)
    return array.astype(np.complex128 if array.dtype.kind == "c" else np.float64)


def _number(label: str, value: Any) -> float:
    if isinstance(value, bool | np.bool_) or getattr(value, "dtype", None) == torch.bool:
        _fail(
            label, f"the value is {value}: claim a number, so that the reader sees how near it is."
        )
    try:
        number = float(value)
    except (TypeError, ValueError, RuntimeError) as error:
        raise TypeError(f"{label}: value must be a number, not {type(value).__name__}") from error
    if math.isnan(number):
        _fail(label, "the value is NaN.")
    return number


def _check_finite(label: str, name: str, value: np.ndarray) -> None:
    bad = int((~np.isfinite(value)).sum())
    if bad:
        _fail(label, f"{bad} of {value.size} entries of {name} are NaN or infinite.")


def _check_label(label: str) -> None:
    if not isinstance(label, str) or not _LABEL.fullmatch(label):
        raise ValueError(f"label {label!r} must look like eq-<slug>-<name> or claim-<slug>-<name>")


def _fail(label: str, reason: str) -> None:
    raise VerificationError(f"{label} ✗ {reason}")


def _record(label: str, method: str, detail: str) -> None:
    # The line of a claim says only "upper end … <= 2": the measured digits belong to a machine.
    words = [] if method == "claim" else [method]
    print(f"{label} ✓ {', '.join([*words, *([detail] if detail else [])])}")
    _LEDGER.append(Record(label, method, detail))
