"""What all samplers and losses share: noise, a path of times, and checks of what was given."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import pairwise
from typing import get_args

import torch
from torch import Tensor

__all__ = [
    "Model",
    "below",
    "choice",
    "combine",
    "descending",
    "finite",
    "first_state",
    "last",
    "randn",
    "same_shape",
    "signal_left",
    "steps_of",
    "times_like",
]

Model = Callable[..., Tensor]
"""A network, called as ``model(x, t, cond)`` with t an int64 tensor ``(B,)``."""


def randn(
    shape: Sequence[int],
    generator: torch.Generator | None,
    device: torch.device,
    dtype: torch.dtype | None = None,
) -> Tensor:
    """Standard normal noise, drawn where the generator lives and then moved.

    So a generator of the CPU gives the same noise to a model on any device.
    """
    source = device if generator is None else generator.device
    return torch.randn(tuple(shape), generator=generator, device=source, dtype=dtype).to(device)


def combine(p: float | Tensor, x: Tensor, q: float | Tensor, y: Tensor) -> Tensor:
    """p x + q y in two operations instead of three; p and q are floats or broadcast over x."""
    return torch.mul(x, p).add_(y, alpha=q) if isinstance(q, float) else (p * x).addcmul_(q, y)


def first_state(
    shape: Sequence[int],
    generator: torch.Generator | None,
    xT: Tensor | None,
    device: torch.device,
) -> Tensor:
    """Where a sampler starts: the given x_T, or noise.

    Raises:
        ValueError: the given one has another shape.
    """
    if xT is None:
        return randn(shape, generator, device)
    if xT.shape != torch.Size(shape):
        raise ValueError(f"xT must have the shape asked for, {tuple(shape)}, got {tuple(xT.shape)}")
    return xT


def times_like(x: Tensor, t: int) -> Tensor:
    """The time t for each sample of the batch, as networks take it: int64, shape ``(B,)``."""
    return torch.full((len(x),), t, dtype=torch.int64, device=x.device)


def descending(times: Iterable[int], T: int) -> list[int]:
    """The times as a list, checked: at least two, strictly descending, in 0..T.

    Raises:
        ValueError: they are not.
    """
    path = [int(t) for t in times]
    if len(path) < 2 or any(s >= t for t, s in pairwise(path)) or path[0] > T or path[-1] < 0:
        shown = path if len(path) <= 8 else [*path[:4], "…", *path[-3:]]
        raise ValueError(f"times must descend strictly within {T}..0, at least two, got {shown}")
    return path


def steps_of(path: Sequence[int], progress: bool = False) -> Iterator[tuple[int, int]]:
    """The steps (t, s) along a path of times, with a progress bar if wanted."""
    if not progress:
        return pairwise(path)
    from tqdm.auto import tqdm  # only here: it is slow to import, and seldom needed

    return iter(tqdm(pairwise(path), total=len(path) - 1, unit="step"))


def last(states: Iterable[tuple[int, Tensor]]) -> Tensor:
    """The last state of a sampler, without keeping the others."""
    (final,) = deque(states, maxlen=1)
    return final[1]


def below(s: int | Tensor, t: int | Tensor) -> None:
    """Refuse a step that does not lead down to the data.

    Raises:
        ValueError: s is not below t.
    """
    if not (s < t if isinstance(s, int) and isinstance(t, int) else (torch.as_tensor(t) > s).all()):
        raise ValueError(f"s must be below t (time runs down to the data): s = {s}, t = {t}")


def signal_left(a: float | Tensor) -> None:
    """Refuse a step from a_t = 0, where x_t is the noise and eps says nothing about x_0.

    Raises:
        ValueError: a, or its square, is 0 (or NaN).
    """
    if not (a > 0 if isinstance(a, float) else bool((a > 0).all())):
        raise ValueError(
            "eps does not determine x_0 where a_t = 0 (zero terminal SNR): use v or x0"
        )


def same_shape(**tensors: Tensor) -> None:
    """Refuse two tensors of different shapes, which would broadcast without a word.

    Raises:
        ValueError: naming both and their shapes.
    """
    (name, x), (other, y) = tensors.items()
    if x.shape != y.shape:
        raise ValueError(
            f"{name} and {other} must have one shape, got {tuple(x.shape)} and {tuple(y.shape)}"
        )


def finite(**tensors: Tensor) -> None:
    """Refuse NaN, infinity and integers in the input of a loss.

    Raises:
        TypeError, ValueError: naming the tensor.
    """
    for name, x in tensors.items():
        if not x.is_floating_point():
            raise TypeError(f"{name} must be a floating-point tensor, got {x.dtype}")
        if not torch.isfinite(x).all():
            bad = int((~torch.isfinite(x)).sum())
            raise ValueError(f"{name} must be finite, got NaN or infinity in {bad} of {x.numel()}")


def choice(what: str, given: object, literal: object) -> None:
    """Refuse a name that is not one of a ``Literal``.

    Raises:
        ValueError: with what was given and what is accepted.
    """
    if given not in get_args(literal):
        accepted = ", ".join(repr(name) for name in get_args(literal))
        raise ValueError(f"unknown {what} {given!r}: use one of {accepted}")
