"""One loop for every sampler of the book, and what it shares with the losses: the noise.

A sampler is a function that makes one step,

    step(denoiser, x, t, s, cond, generator) -> the state at time s,

and :func:`states` walks it along the times. So a progress bar, a film or an early stop work for all
samplers alike, and a new sampler is a new step, never a new loop.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn

from genbook.arguments import shape_of, tensors
from genbook.denoiser import Denoiser
from genbook.paths import Path

__all__ = ["Step", "first_state", "last", "randn", "randn_like", "states", "steps_of", "watched"]

Step = Callable[..., Tensor]
"""``step(denoiser, x, t, s, cond, generator)``: the state at time s, from the state x at time t."""


@torch.no_grad()
def states(
    step: Step,
    denoiser: Denoiser,
    x: Tensor,
    times: Sequence[Any],
    cond: Any = None,
    generator: torch.Generator | None = None,
    progress: bool = False,
    upwards: bool = False,
) -> Iterator[tuple[Any, Tensor]]:
    """Walk ``step`` along the times: yields (time, state), the state x itself first.

    Args:
        step: makes one step.
        denoiser: what the step asks for its predictions.
        x: the first state, shape ``(B, …)``.
        times: descending, the time of x first (ascending for a step that leads
            ``upwards``).
        cond: passed on to the denoiser.
        generator: source of the noise.
        progress: show a progress bar.

    Raises:
        TypeError, ValueError: times that are not on the denoiser's path, or not in
            order.
    """
    visited = denoiser.path.visited(times, upwards)
    yield visited[0], x
    for t, s in steps_of(visited, progress):
        x = step(denoiser, x, t, s, cond, generator)
        yield s, x


def steps_of(visited: Sequence[Any], progress: bool = False) -> Iterator[tuple[Any, Any]]:
    """The steps (t, s) along a list of times, with a progress bar if wanted."""
    if not progress:
        return pairwise(visited)
    from tqdm.auto import tqdm  # only here: it is slow to import, and seldom needed

    return iter(tqdm(pairwise(visited), total=len(visited) - 1, unit="step"))


def watched(
    states: Iterable[tuple[Any, Tensor]], largest: float = 1e6
) -> Iterator[tuple[Any, Tensor]]:
    """The same states, each looked at before it is passed on.

    Args:
        states: pairs (time, state) of a sampler.
        largest: absolute value that no entry may exceed.

    Raises:
        ValueError: a state with NaN or infinity, or one that has exploded; names the two times of
            the step that made it.
    """
    before = None
    for t, x in states:
        size = float(x.abs().amax()) if x.numel() else 0.0
        if not size <= largest:  # written so that NaN is wrong, too
            where = (
                f"at t = {t:g}" if before is None else f"in the step from t = {before:g} to {t:g}"
            )
            what = f"exploded, to {size:.3g}" if math.isfinite(size) else "became NaN or infinite"
            raise ValueError(
                f"the state {what} {where}: take smaller steps, or look at the network"
            )
        yield t, x
        before = t


def last(states: Iterable[tuple[Any, Tensor]]) -> Tensor:
    """The last state of a sampler, without keeping the others."""
    (final,) = deque(states, maxlen=1)
    return final[1]


def first_state(
    model: object,
    path: Path,
    shape: Sequence[int],
    generator: torch.Generator | None,
    xT: Tensor | None,
    start: Any = None,
) -> Tensor:
    """Where a sampler starts: the given x_T, or noise of the path's ``prior_std``.

    The noise has the device and the type of the network's weights; without any, the device of the
    path, and float32. A sampler that starts early (``start``, below the path's end) starts from the
    noise of that time.

    Raises:
        ValueError: the given one has another shape; or a start where x_t is still more than noise,
            which has to be given.
    """
    shape = shape_of(shape)
    if xT is not None:
        tensors(xT=xT)
        if xT.shape != torch.Size(shape):
            raise ValueError(f"xT must have the shape asked for, {shape}, got {tuple(xT.shape)}")
        return xT
    std = path.prior_std
    if start is not None and start != path.end:
        a, b = path.rates(start)
        if not a < b / 2:
            raise ValueError(f"at t = {start} the data are still in x_t (a = {a:.3g}): give xT")
        std = float(b)
    weight = next(model.parameters(), None) if isinstance(model, nn.Module) else None
    device, dtype = (path.device, None) if weight is None else (weight.device, weight.dtype)
    noise = randn(shape, generator, device, dtype)
    return noise if std == 1 else std * noise


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
    noise = torch.randn(tuple(shape), generator=generator, device=source, dtype=dtype)
    return noise if source == device else noise.to(device)


def randn_like(x: Tensor, generator: torch.Generator | None) -> Tensor:
    """Standard normal noise of the shape, device and type of x; see :func:`randn`."""
    return randn(x.shape, generator, x.device, x.dtype)
