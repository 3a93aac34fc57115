"""Five ways to learn a flow map, each of its equations as a squared error.

Every loss has the form ``loss(flow_map, x0, cond, generator, …)``. Where a field is given
(``velocity``, that of a trained teacher) the map is distilled from it. Where none is, the map is
its own teacher: on the diagonal s = t it learns the velocity as flow matching does, from pairs of
data and noise, and off the diagonal it is made to agree with itself.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import jvp

from genbook._snapshot import snapshot
from genbook.arguments import finite
from genbook.consistency.flow_map import FlowMap, Map, Velocity, lagrangian
from genbook.ema import EMA
from genbook.paths import Path
from genbook.sampling import randn

__all__ = [
    "LOSSES",
    "Target",
    "distillation",
    "lagrangian_map",
    "mean_flow",
    "shortcut",
    "training",
]


class Target:
    """A network's average, as a network of its own: what losses compare with.

    It owns its numbers. A target that is the network itself, under another name, moves
    in every step of the optimiser, also where it should stand still.

    Args:
        network: that is trained.
        decay: of the average, see :class:`genbook.ema.EMA`.
    """

    def __init__(self, network: nn.Module, decay: float = 0.99):
        self._average = EMA(network, decay)
        self.network: nn.Module = snapshot(network)

    def update(self) -> nn.Module:
        """Move the average towards the network, once a step of the optimiser."""
        self._average.update()
        return self._average.copy_to(self.network)


class _Draw:
    """Pairs of data and noise at random times."""

    def __init__(self, path: Path, x0: Tensor, generator: torch.Generator | None):
        finite(x0=x0)
        self.path, self.x0, self.generator = path, x0, generator
        self.eps = randn(x0.shape, generator, x0.device, x0.dtype)

    def times(self) -> Tensor:
        """Times ``(B,)``, most of them in the middle of the path."""
        normal = randn(self.x0.shape[:1], self.generator, self.x0.device)
        return self.path.end * normal.sigmoid()

    def uniform(self) -> Tensor:
        """Numbers ``(B,)``, even between 0 and 1."""
        source = self.x0.device if self.generator is None else self.generator.device
        return torch.rand(len(self.x0), generator=self.generator, device=source).to(self.x0)

    def state(self, t: Tensor) -> Tensor:
        """x_t = a x_0 + b eps."""
        a, b = self.path.rates(t, self.x0)
        return a * self.x0 + b * self.eps

    def velocity(self, t: Tensor) -> Tensor:
        """a' x_0 + b' eps, the velocity of this pair."""
        da, db = self.path.derivatives(t, self.x0)
        return da * self.x0 + db * self.eps


def training(
    flow_map: FlowMap,
    x0: Tensor,
    cond: Any = None,
    generator: torch.Generator | None = None,
    *,
    velocity: Velocity | None = None,
    target: Map | None = None,
    gap: float = 0.05,
    c: float = 0.03,
) -> Tensor:
    """Consistency training: two states of one pair must end at the same data.

        ‖X(x_t, t, 0) − X⁻(x_r, r, 0)‖_c / (t − r),    r = t − gap

    X⁻ is held fixed, and ‖d‖_c = √(mean d² + c²) − c: small misses are squared, large
    ones count like their length. With a ``velocity`` the second state is where the
    field leads instead of that of the pair: this is :func:`distillation`.

    Args:
        flow_map: to be trained.
        x0: data, shape ``(B, …)``.
        cond: passed on to the network.
        generator: of the noise and the times.
        velocity: of a teacher.
        target: the map X⁻; the flow map itself, without gradient, if not given.
        gap: between the two times, at most.
        c: below which misses are squared, a root mean square.

    Raises:
        ValueError: a gap that is none, or longer than the path.

    References:
        Song et al. (2023), algorithms 2 and 3; Song & Dhariwal (2024), Improved
        Techniques, for the pseudo-Huber distance and the weight 1 / (t − r).
    """
    if not 0 < gap <= flow_map.path.end:
        raise ValueError(f"the gap must lie in (0, {flow_map.path.end:g}], got {gap}")
    draw = _Draw(flow_map.path, x0, generator)
    t = _to_the_end(draw)
    r = (t - gap).clamp(min=0)
    zero = torch.zeros_like(t)
    x = draw.state(t)
    with torch.no_grad():
        before = draw.state(r)
        if velocity is not None:
            before = x - _like(t - r, x) * velocity(x, t, cond)
        goal = (flow_map if target is None else target)(before, r, zero, cond)
    missed = (flow_map(x, t, zero, cond) - goal).flatten(1).square().mean(1)
    return (((missed + c**2).sqrt() - c) / (t - r).clamp(min=1e-3)).mean()


def distillation(
    flow_map: FlowMap,
    x0: Tensor,
    cond: Any = None,
    generator: torch.Generator | None = None,
    *,
    velocity: Velocity,
    **options: Any,
) -> Tensor:
    """Consistency distillation: :func:`training` with a step of a teacher's flow from x_t to x_r.

    A single step of Euler's here.
    """
    return training(flow_map, x0, cond, generator, velocity=velocity, **options)


def shortcut(
    flow_map: FlowMap,
    x0: Tensor,
    cond: Any = None,
    generator: torch.Generator | None = None,
    *,
    velocity: Velocity | None = None,
    diagonal: float = 0.75,
) -> Tensor:
    """The semigroup: one jump must end where two jumps of half the length end.

        ‖[X(x, t, s) − X⁻(X⁻(x, t, m), m, s)] / c_out‖²,    m = (t + s) / 2

    Divided by c_out it is an error of the network, of one size for short and for long
    jumps.

    Args:
        velocity: of a teacher, for the diagonal; else that of the pairs.
        diagonal: share of the batch with s = t.

    References:
        Frans et al. (2025). They jump by 1/2, 1/4, … of the path; here t and s are
        anywhere.
    """

    def off(x: Tensor, t: Tensor, s: Tensor, cond: Any, of_pair: Tensor) -> Tensor:
        m = (t + s) / 2
        with torch.no_grad():
            goal = flow_map(flow_map(x, t, m, cond), m, s, cond)
            skip, out = flow_map.scales(t, s, x)
            goal = (goal - skip * x) / out
        said = flow_map.network(x, t, s, cond)
        # Two equal times (in a coarse type) ask for nothing, and out is 0.
        return torch.where(torch.as_tensor(out == 0), 0, said - goal)

    return _both(flow_map, off, x0, cond, generator, velocity, diagonal)


def lagrangian_map(
    flow_map: FlowMap,
    x0: Tensor,
    cond: Any = None,
    generator: torch.Generator | None = None,
    *,
    velocity: Velocity | None = None,
    diagonal: float = 0.5,
) -> Tensor:
    """Lagrangian: where the jump ends, its end moves as the field moves.

        ‖∂_s X(x, t, s) − v⁻(X(x, t, s), s)‖²

    The field is the teacher's, or the map's own diagonal; it is held fixed, so no gradient goes
    through the state that it is asked at.

    References:
        Boffi et al. (2024), Flow Map Matching, and (2025), How to build a consistency model.
    """

    def field(x: Tensor, s: Tensor, cond: Any) -> Tensor:
        with torch.no_grad():
            return (velocity or flow_map.velocity)(x, s, cond)

    def off(x: Tensor, t: Tensor, s: Tensor, cond: Any, of_pair: Tensor) -> Tensor:
        return lagrangian(flow_map, field, x, t, s, cond)

    return _both(flow_map, off, x0, cond, generator, velocity, diagonal)


def mean_flow(
    flow_map: FlowMap,
    x0: Tensor,
    cond: Any = None,
    generator: torch.Generator | None = None,
    *,
    velocity: Velocity | None = None,
    diagonal: float = 0.75,
    power: float = 1.0,
) -> Tensor:
    """MeanFlow: Eulerian. Solved for the network, ∂_t X + (∂_x X) v = 0 says what it should be.

        F = v + (s − t) (∂_t F + (∂_x F) v)    on the straight path, with the velocity

    The right side is held fixed. Without a teacher v is that of the pair: its mean is the field.

    Args:
        power: each sample's error e is divided by (e + 0.001) to this power, so that no few of
            them lead; 0 is the plain mean. (The paper's e is a sum over the pixels, ours a mean.)

    References:
        Geng et al. (2025), algorithm 1 and equation 22.
    """

    def off(x: Tensor, t: Tensor, s: Tensor, cond: Any, of_pair: Tensor) -> Tensor:
        v = of_pair if velocity is None else velocity(x, t, cond)

        def said(x: Tensor, t: Tensor) -> tuple[Any, ...]:
            # As tensors, also where a factor is one number for all times.
            skip, out = flow_map.scales(t, s, x)
            return flow_map.network(x, t, s, cond), skip + 0 * out, out + 0 * skip

        with torch.no_grad():
            along = (v, torch.ones_like(t))
            (_, skip, out), (moved, d_skip, d_out) = jvp(said, (x, t), along)  # type: ignore[misc]
            goal = -(d_skip * x + skip * v + out * moved) / d_out
        return flow_map.network(x, t, s, cond) - goal

    return _both(flow_map, off, x0, cond, generator, velocity, diagonal, power)


def _both(
    flow_map: FlowMap,
    off: Callable[..., Tensor],
    x0: Tensor,
    cond: Any,
    generator: torch.Generator | None,
    velocity: Velocity | None,
    diagonal: float,
    power: float = 0.0,
) -> Tensor:
    """Squared errors: on the diagonal that of the velocity, on the rest of the batch ``off``."""
    if not 0 <= diagonal < 1:
        raise ValueError(f"the diagonal's share of the batch must lie in [0, 1), got {diagonal}")
    draw = _Draw(flow_map.path, x0, generator)
    n = round(diagonal * len(x0))
    if diagonal:  # however small the batch, some of it on either side
        if len(x0) < 2:
            raise ValueError("a batch of one has no diagonal beside the rest; give at least two")
        n = min(max(n, 1), len(x0) - 1)
    one, other = draw.times(), draw.times()
    t, s = torch.maximum(one, other), torch.minimum(one, other)
    x, of_pair = draw.state(t), draw.velocity(t)
    near, far = (None, None) if cond is None else (cond[:n], cond[n:])
    errors = []
    if n:
        goal = of_pair[:n] if velocity is None else velocity(x[:n], t[:n], near).detach()
        errors.append(flow_map.velocity(x[:n], t[:n], near) - goal)
    if n < len(x0):
        errors.append(off(x[n:], t[n:], s[n:], far, of_pair[n:]))
    error = torch.cat(errors).flatten(1).square().mean(1)
    return (error / (error.detach() + 1e-3) ** power).mean()


def _to_the_end(draw: _Draw) -> Tensor:
    """Times of which a quarter lies close to the noise, where a one-step sampler begins."""
    t, u = draw.times(), draw.uniform()
    near = draw.path.end * (1 - 0.05 * u)
    return torch.where(torch.arange(len(t), device=t.device) % 4 == 0, near, t)


def _like(t: Tensor, x: Tensor) -> Tensor:
    return t.to(x).reshape(-1, *[1] * (x.ndim - 1))


LOSSES: dict[str, Callable[..., Tensor]] = {
    "consistency distillation": distillation,
    "consistency training": training,
    "shortcut": shortcut,
    "mean flow": mean_flow,
    "lagrangian": lagrangian_map,
}
"""The losses by name; each called as ``loss(flow_map, x0, cond, generator)``."""
