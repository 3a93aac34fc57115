"""A flow map as a sampler: steps for the one loop, and editing."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch
from torch import Tensor

from genbook.arguments import tensors
from genbook.consistency.flow_map import FlowMap
from genbook.sampling import first_state, grid, last, randn_like, watched
from genbook.sampling import states as walk

__all__ = ["STEPS", "inpaint", "jump", "redraw", "renoise", "sample", "states"]


def jump(
    flow_map: FlowMap,
    x: Tensor,
    t: Any,
    s: Any,
    cond: Any = None,
    generator: torch.Generator | None = None,
) -> Tensor:
    """From t to s along the flow: X(x, t, s). No noise."""
    return flow_map(x, t, s, cond)


def renoise(
    flow_map: FlowMap,
    x: Tensor,
    t: Any,
    s: Any,
    cond: Any = None,
    generator: torch.Generator | None = None,
) -> Tensor:
    """The step of consistency models: to the data, and up to s with fresh noise.

        x_s = a_s X(x_t, t, 0) + b_s noise

    References:
        Song et al. (2023), Consistency Models, algorithm 1.
    """
    x0 = flow_map(x, t, 0.0, cond)
    if not isinstance(s, Tensor) and s == 0:
        return x0
    a, b = flow_map.path.rates(s, x)
    return a * x0 + b * randn_like(x, generator)


STEPS = {"jump": jump, "renoise": renoise}


def states(
    flow_map: FlowMap,
    shape: Sequence[int],
    calls: int,
    cond: Any = None,
    generator: torch.Generator | None = None,
    *,
    step: Callable[..., Tensor] = jump,
    times: Sequence[float] | None = None,
    xT: Tensor | None = None,
    progress: bool = False,
) -> Iterator[tuple[Any, Tensor]]:
    """Sampling with a few jumps, state by state: yields (t, x_t) from the noise to (0, x_0).

    Args:
        flow_map: a map with a path.
        shape: ``(B, …)``.
        calls: of the network; that is the number of jumps.
        cond: passed on to the map.
        generator: of the first state and the noise of ``renoise``.
        step: :func:`jump` or :func:`renoise`. A map that was trained with s = 0 alone, a
            consistency model, can only do the second.
        times: ``calls + 1`` of them, descending to 0; even by default.
        xT: the first state.
        progress: show a progress bar.

    Raises:
        ValueError: times that do not descend to 0, or states that are no numbers.
    """
    path = flow_map.path
    visited = grid(path, calls, given=times)
    x = first_state(flow_map.model, path, shape, generator, xT, visited[0])
    # The loop asks a sampler's denoiser for its path alone, and so a map can stand in its place.
    walked = walk(step, flow_map, x, visited, cond, generator, progress)  # type: ignore[arg-type]
    return watched(walked)


def sample(
    flow_map: FlowMap,
    shape: Sequence[int],
    calls: int = 1,
    cond: Any = None,
    generator: torch.Generator | None = None,
    **options: Any,
) -> Tensor:
    """The last of the :func:`states`: x_0, shape ``(B, …)``. Takes their options."""
    return last(states(flow_map, shape, calls, cond, generator, **options))


def inpaint(
    flow_map: FlowMap,
    known: Tensor,
    mask: Tensor,
    calls: int = 8,
    cond: Any = None,
    generator: torch.Generator | None = None,
) -> Tensor:
    """Fill in what is missing, with steps of :func:`renoise`, without any training.

    After each guess the known pixels are put back, and the whole is noised again.

    Args:
        known: images ``(B, …)`` in the range of the data.
        mask: True where a pixel is known; broadcasts over ``known``.
        calls: of the network.

    References:
        Song et al. (2023), Consistency Models, algorithm 4.
    """
    tensors(mask=mask)
    _drawn(known=known)
    if mask.dtype != torch.bool:
        raise TypeError(f"mask must be True where a pixel is known, got {mask.dtype}")

    def step(
        flow_map: FlowMap,
        x: Tensor,
        t: Any,
        s: Any,
        cond: Any,
        generator: Any,
    ) -> Tensor:
        guess = torch.where(mask, known, flow_map(x, t, 0.0, cond))
        a, b = flow_map.path.rates(s)
        return a * guess + b * randn_like(x, generator) if s else guess

    return sample(flow_map, known.shape, calls, cond, generator, step=step)


def _drawn(**image: Tensor) -> Tensor:
    """A tensor of images in floating point."""
    tensors(**image)
    ((name, x),) = image.items()
    if not x.is_floating_point():
        raise TypeError(f"{name} must be images in [−1, 1], got {x.dtype}")
    return x


def redraw(
    flow_map: FlowMap,
    stroke: Tensor,
    strength: float = 0.6,
    calls: int = 2,
    cond: Any = None,
    generator: torch.Generator | None = None,
) -> Tensor:
    """Turn a rough drawing into an image: noise it up to the time ``strength``, and come back.

    References:
        Meng et al. (2022), SDEdit; Song et al. (2023), algorithm 4.
    """
    if not 0 < strength <= flow_map.path.end:
        raise ValueError(f"strength is a time in (0, {flow_map.path.end:g}], got {strength}")
    if calls < 1:
        raise ValueError(f"redraw needs at least one call, got {calls}")
    a, b = flow_map.path.rates(strength)
    x = a * _drawn(stroke=stroke) + b * randn_like(stroke, generator)
    times = [strength * (1 - i / calls) for i in range(calls + 1)]
    return sample(flow_map, stroke.shape, calls, cond, generator, step=renoise, times=times, xT=x)
