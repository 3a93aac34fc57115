"""Checks of what was given, shared by losses, steps and samplers: each says what is accepted.

Nothing here computes. A function that would go wrong without a word (broadcast two shapes, truncate
a time, divide by nothing) asks one of these first.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Sequence
from typing import Any

from torch import Tensor

__all__ = [
    "all_finite",
    "below",
    "choice",
    "ends_with_the_data",
    "finite",
    "holds",
    "integer",
    "same_shape",
    "shape_of",
    "shown",
    "signal_left",
    "tensors",
]


def integer(name: str, value: object) -> int:
    """An int from whatever counts as one: NumPy's integers do, True and 3.0 do not.

    Raises:
        TypeError: it is no integer.
    """
    try:
        if not isinstance(value, bool | Tensor) or (
            isinstance(value, Tensor) and not value.is_floating_point() and value.ndim == 0
        ):
            return operator.index(value)  # type: ignore[arg-type]
    except TypeError:
        pass
    raise TypeError(f"{name} must be an integer, got {value!r}")


def holds(condition: Any) -> bool:
    """Whether a comparison holds: of two numbers, or everywhere in a tensor."""
    return bool(condition.all()) if isinstance(condition, Tensor) else bool(condition)


def all_finite(x: Tensor) -> bool:
    """Whether no entry is NaN or infinite."""
    # A finite sum has finite terms, and is cheaper to form; that of large ones may overflow.
    return math.isfinite(x.sum().item()) or bool(x.isfinite().all())


def below(s: Any, t: Any) -> None:
    """Refuse a step that does not lead down to the data.

    Raises:
        ValueError: s is not below t.
    """
    if not holds(s < t):
        raise ValueError(f"s must be below t (time runs down to the data): s = {s}, t = {t}")


def signal_left(a: float | Tensor, before: float | Tensor = 1.0) -> None:
    """Refuse a step from a_t = 0, where x_t is the noise and eps says nothing about x_0.

    Args:
        a: the rate a_t, or what a step keeps, a_t / a_s.
        before: the rate a_s that a is compared with.

    Raises:
        ValueError: a is 0 (or NaN), or so small beside ``before`` that single precision overflows.
    """
    if not holds(a > 1e-37 * before):
        raise ValueError(
            "eps does not determine x_0 where a_t = 0 (zero terminal SNR, or the end of a straight "
            "path), and neither does the score: predict v, x0 or the velocity"
        )


def ends_with_the_data(times: Sequence[Any]) -> None:
    """Refuse times of a sampler that stop before 0: what it returned would not be x_0.

    Raises:
        ValueError: the last time is not 0.
    """
    if times[-1] != 0:
        raise ValueError(f"the times of a sampler end at 0, with x_0; these end at {times[-1]}")


def shape_of(shape: object) -> tuple[int, ...]:
    """A shape ``(B, …)`` as a tuple of ints.

    Raises:
        TypeError: no sequence of integers.
        ValueError: a negative one.
    """
    if isinstance(shape, str) or not isinstance(shape, Sequence):
        raise TypeError(f"shape must be a tuple of integers (B, …), got {shape!r}")
    sizes = tuple(integer("the sizes of a shape", size) for size in shape)
    if any(size < 0 for size in sizes):
        raise ValueError(f"the sizes of a shape must not be negative, got {sizes}")
    return sizes


def tensors(**given: object) -> None:
    """Refuse what is no tensor: a list or an array would fail deep inside, or half work.

    Raises:
        TypeError: naming it and what it is.
    """
    for name, x in given.items():
        if not isinstance(x, Tensor):
            raise TypeError(
                f"{name} must be a torch tensor, got {type(x).__name__}: torch.as_tensor makes one"
            )


def same_shape(**given: Tensor) -> None:
    """Refuse two tensors of different shapes, which would broadcast without a word.

    Raises:
        TypeError: one of them is no tensor.
        ValueError: naming both and their shapes.
    """
    (name, x), (other, y) = given.items()
    if not (isinstance(x, Tensor) and isinstance(y, Tensor)):
        tensors(**given)
    if x.shape != y.shape:
        raise ValueError(
            f"{name} and {other} must have one shape, got {tuple(x.shape)} and {tuple(y.shape)}"
        )


def finite(**given: Tensor) -> None:
    """Refuse NaN, infinity, integers and nothing at all in the input of a loss.

    Raises:
        TypeError, ValueError: naming the tensor.
    """
    tensors(**given)
    for name, x in given.items():
        if not x.is_floating_point():
            raise TypeError(f"{name} must be a floating-point tensor, got {x.dtype}")
        if x.ndim == 0:
            raise ValueError(f"{name} must be a batch (B, …), got a single number")
        if x.numel() == 0:
            raise ValueError(f"{name} must not be empty, got shape {tuple(x.shape)}")
        if not all_finite(x):
            bad = int((~x.isfinite()).sum())
            raise ValueError(f"{name} must be finite, got NaN or infinity in {bad} of {x.numel()}")


def choice(what: str, given: object, literal: Any) -> None:
    """Refuse a name that is not one of a ``Literal``.

    Raises:
        ValueError: with what was given and what is accepted.
    """
    if given not in literal.__args__:
        accepted = ", ".join(repr(name) for name in literal.__args__)
        raise ValueError(f"unknown {what} {given!r}: use one of {accepted}")


def shown(values: Sequence[object]) -> list[object]:
    """A list as a message can show it: the first and the last of many."""
    return list(values) if len(values) <= 8 else [*values[:4], "…", *values[-3:]]
