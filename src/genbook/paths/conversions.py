"""What a network may predict, and how to get any prediction from any other.

On a Gaussian path x_t = a x_0 + b eps two of the three x_t, x_0 and eps determine the third.
Whatever a network is asked for is a combination p x_0 + q eps:

    "eps"       the noise                                       p = 0     q = 1
    "x0"        the data                                        p = 1     q = 0
    "v"         a eps − b x_0 (Salimans & Ho 2022)              p = −b    q = a
    "velocity"  dx_t/dt = a' x_0 + b' eps (flow matching)       p = a'    q = b'
    "score"     ∇ log p(x_t) = −eps / b                         p = 0     q = −1/b

so a conversion is the solution of two linear equations, one for x_t and one for the prediction.
What is said of x_0 and eps holds for their conditional means given x_t, which is what a network
learns: the relations are linear.
"""

from __future__ import annotations

from typing import Any, Literal

from torch import Tensor

from genbook.arguments import choice, holds, same_shape
from genbook.paths.base import Coefficient

__all__ = [
    "Prediction",
    "add_to",
    "combine",
    "convert",
    "factors",
    "target_of",
    "to_eps",
    "to_x0",
]

_LEAST = 1e-37

Prediction = Literal["eps", "x0", "v", "velocity", "score"]
"""What a network predicts."""


def convert(
    value: Tensor,
    xt: Tensor,
    a: Coefficient,
    b: Coefficient,
    source: Prediction,
    target: Prediction,
    da: Coefficient | None = None,
    db: Coefficient | None = None,
) -> Tensor:
    """The prediction ``target`` that says the same as the prediction ``source``.

    With source = p x_0 + q eps, target = p' x_0 + q' eps and x_t = a x_0 + b eps, Cramer's rule
    gives

        target = [(p' q − q' p) x_t + (a q' − b p') source] / (a q − b p).

    Args:
        value: the prediction, shape ``(B, …)``.
        xt: the noisy sample x_t, same shape.
        a, b: the rates at time t: floats, or tensors that broadcast as ``(B, 1, …, 1)``.
        source, target: one of "eps", "x0", "v", "velocity" and "score".
        da, db: the time derivatives a' and b'; only "velocity" needs them.

    Returns:
        The target prediction, shape ``(B, …)``.

    Raises:
        ValueError: unknown names, wrong shapes, da and db missing, or the source does not determine
            the target at this time (eps says nothing about x_0 where a = 0, x_0 nothing about
            eps where b = 0, and the score is infinite where b = 0).

    References:
        Salimans & Ho (2022), Progressive Distillation, section 4; Lipman et al. (2023), Flow
        Matching.
    """
    _check(value, xt, (a, b, da, db), (source, target))
    if source == target:
        return value
    of_xt, of_value = factors(source, target, a, b, da, db)
    return combine(of_xt, xt, of_value, value)


def factors(
    source: Prediction,
    target: Prediction,
    a: Coefficient,
    b: Coefficient,
    da: Coefficient | None = None,
    db: Coefficient | None = None,
) -> tuple[Coefficient, Coefficient]:
    """The two factors of :func:`convert`: target = first · x_t + second · source.

    For a number t they are two floats, so a conversion costs two operations on tensors.

    Raises:
        ValueError: as :func:`convert`.
    """
    if source == "score":
        of_xt, of_eps = factors("eps", target, a, b, da, db)
        return of_xt, -b * of_eps
    if target == "score":
        _require_nonzero(b, "the score is infinite where b = 0")
        of_xt, of_value = factors(source, "eps", a, b, da, db)
        return -of_xt / b, -of_value / b
    if source == target:
        return 0.0, 1.0
    p, q = _combination(source, a, b, da, db)
    p_new, q_new = _combination(target, a, b, da, db)
    determinant = a * q - b * p
    _require_nonzero(
        determinant,
        f'"{source}" does not determine "{target}" here: "eps" needs a ≠ 0, "x0" needs b ≠ 0',
    )
    return (p_new * q - q_new * p) / determinant, (a * q_new - b * p_new) / determinant


def combine(p: Coefficient, x: Tensor, q: Coefficient, y: Tensor) -> Tensor:
    """p x + q y in two operations instead of three; p and q are floats or broadcast over x."""
    if isinstance(p, float):
        if p >= 1 and x.is_floating_point():
            # For x p: torch adds a multiple in half the time that it takes to multiply by a number.
            return add_to(x.add(x, alpha=p - 1), q, y)
        if p == 0 and x.dtype == y.dtype:
            return y * q
    return add_to(x * p, q, y)


def add_to(x: Tensor, q: Coefficient, y: Tensor) -> Tensor:
    """x + q y in one operation, in the place of x; q is a float or broadcasts over x."""
    return x.add_(y, alpha=q) if isinstance(q, float) else x.addcmul_(q, y)


def target_of(
    prediction: Prediction,
    x0: Tensor,
    eps: Tensor,
    a: Coefficient,
    b: Coefficient,
    da: Coefficient | None = None,
    db: Coefficient | None = None,
) -> Tensor:
    """What a network should say at x_t = a x_0 + b eps, from the data and the noise themselves.

    That is p x_0 + q eps of the table above. Nothing is divided by (but b, for the score), so it
    is right at both ends of a path, where :func:`convert` may refuse.

    Raises:
        ValueError: unknown name, shapes differ, da and db missing, or the score where b = 0.
    """
    same_shape(x0=x0, eps=eps)
    choice("prediction", prediction, Prediction)
    if prediction == "x0":
        return x0
    if prediction == "eps":
        return eps
    if prediction == "score":
        _require_nonzero(b, "the score is infinite where b = 0")
        return -eps / b
    p, q = _combination(prediction, a, b, da, db)
    return p * x0 + q * eps


def to_x0(
    value: Tensor,
    xt: Tensor,
    a: Coefficient,
    b: Coefficient,
    source: Prediction,
    da: Coefficient | None = None,
    db: Coefficient | None = None,
) -> Tensor:
    """The predicted data: :func:`convert` to "x0"."""
    return convert(value, xt, a, b, source, "x0", da, db)


def to_eps(
    value: Tensor,
    xt: Tensor,
    a: Coefficient,
    b: Coefficient,
    source: Prediction,
    da: Coefficient | None = None,
    db: Coefficient | None = None,
) -> Tensor:
    """The predicted noise: :func:`convert` to "eps"."""
    return convert(value, xt, a, b, source, "eps", da, db)


def _combination(
    name: Prediction,
    a: Coefficient,
    b: Coefficient,
    da: Coefficient | None,
    db: Coefficient | None,
) -> tuple[Coefficient, Coefficient]:
    """p and q of the prediction p x_0 + q eps."""
    if name == "eps":
        return 0.0, 1.0
    if name == "x0":
        return 1.0, 0.0
    if name == "v":
        return -b, a
    if da is None or db is None:
        raise ValueError('"velocity" needs the derivatives da and db of a and b')
    return da, db


def _check(
    value: Tensor,
    xt: Tensor,
    coefficients: tuple[Coefficient | None, ...],
    names: tuple[str, ...],
) -> None:
    for name in names:
        choice("prediction", name, Prediction)
    same_shape(value=value, xt=xt)
    for c in coefficients:
        if isinstance(c, Tensor) and c.ndim not in (0, xt.ndim):
            raise ValueError(
                f"a coefficient must be a number or have {xt.ndim} axes as x_t has (B, 1, …, 1), "
                f"got shape {tuple(c.shape)}"
            )


def _require_nonzero(number: Any, message: str) -> None:
    """Refuse to divide by zero, by NaN, or by so little that single precision overflows."""
    if not holds(abs(number) > _LEAST):
        raise ValueError(message)
