"""One loop for every sampler of the book, and what it shares with the losses: the noise.

A sampler is a function that makes one step,

    step(denoiser, x, t, s, cond, generator) -> the state at time s,

and :func:`states` walks it along the times. So a progress bar, a film or an early stop work for all
samplers alike, and a new sampler is a new step, never a new loop. Where the steps are put says a
grid, an entry of a table such as :data:`GRIDS`.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any, get_args

import torch
from torch import Tensor, nn

from genbook.arguments import ends_with_the_data, shape_of, tensors
from genbook.denoiser import Denoiser, Limit, Model
from genbook.paths import Path, Prediction, Spacing

__all__ = [
    "GRIDS",
    "Grid",
    "Step",
    "first_state",
    "from_noise",
    "grid",
    "last",
    "randn",
    "randn_like",
    "states",
    "steps_of",
    "watched",
]

Step = Callable[..., Tensor]
"""``step(denoiser, x, t, s, cond, generator)``: the state at time s, from the state x at time t."""

Grid = Callable[[Path, int], list[Any]]
"""``grid(path, steps)``: ``steps + 1`` times of the path, descending to 0."""

GRIDS: dict[str, Grid] = {
    name: lambda path, steps, name=name: path.times(steps, name)  # type: ignore[misc]
    for name in get_args(Spacing)
}
"""The grids that every path has, by their spacing; a chapter with others adds them to its own."""


def from_noise(
    model: Model,
    path: Path,
    shape: Sequence[int],
    steps: int,
    cond: Any = None,
    generator: torch.Generator | None = None,
    *,
    step: Step,
    spacing: str = "linear",
    grids: Mapping[str, Grid] = GRIDS,
    times: Sequence[Any] | None = None,
    xT: Tensor | None = None,
    prediction: Prediction = "eps",
    clip: Limit | None = None,
    progress: bool = False,
) -> Iterator[tuple[Any, Tensor]]:
    """Sampling, state by state: yields (t, x_t) from the noise to (0, x_0).

    Args:
        model: called as ``model(x, t, cond)``.
        path: what it was trained on, or another path on which it can be asked, see
            :func:`genbook.sde.on_path`.
        shape: ``(B, …)``.
        steps: number of steps.
        cond: passed on to the model.
        generator: source of the first state, and of what a step draws.
        step: one of the steps of the book, with its options bound by ``functools.partial``.
        spacing: of the times, a name in ``grids``.
        times: the times themselves, ``steps + 1`` of them, descending to 0.
        xT: the first state, drawn from the path's prior if not given.
        prediction: what the model predicts.
        clip: keeps the predicted data in the data's range.
        progress: show a progress bar.

    Raises:
        ValueError: times that do not descend to 0, an unknown spacing; a state that became NaN or
            infinite or exploded: the message names the times of that step.
    """
    visited = grid(path, steps, spacing, times, grids)
    denoiser = Denoiser(model, path, prediction, clip=clip)
    x = first_state(model, path, shape, generator, xT, visited[0])
    walked = states(step, denoiser, x, visited, cond, generator, progress)
    return watched(walked, largest=1e6 * max(1.0, path.prior_std))


def grid(
    path: Path,
    steps: int,
    spacing: str = "linear",
    given: Sequence[Any] | None = None,
    grids: Mapping[str, Grid] = GRIDS,
) -> list[Any]:
    """The times that a sampler of so many steps visits: the given ones, or those of a grid.

    Raises:
        ValueError: an unknown spacing; times that do not descend to 0, or are not ``steps + 1``.
        TypeError: a time of the wrong kind.
    """
    if given is None:
        if spacing not in grids:
            known = ", ".join(map(repr, grids))
            raise ValueError(f"unknown spacing {spacing!r}: use one of {known}")
        given = grids[spacing](path, steps)
    times = path.visited(given)
    if len(times) != steps + 1:
        raise ValueError(f"{steps} steps need {steps + 1} times, got {len(times)}")
    ends_with_the_data(times)
    return times


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
