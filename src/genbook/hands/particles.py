"""A cloud of particles in an exact field, down to the data or up to the noise, with a dial."""

from __future__ import annotations

from functools import lru_cache, partial
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import torch
from matplotlib.figure import Figure
from numpy.typing import NDArray
from torch import Tensor

from genbook import sde
from genbook.denoiser import Denoiser
from genbook.gaussians import GaussianMixture
from genbook.hands.drawing import Canvas, column, fixed, scale, uniform
from genbook.hands.frame import Button, Choice, Hand, Row, Slider, State

_COUNT, _STEPS = 240, 200
_TRAILS = (3, 20, 41, 77, 110, 180)  # particles whose way is drawn
_END = 3.2  # of both axes
_COLOURS = ("one", "two", "three")
_FIRST = 0.005  # the flow upwards has no score at t = 0 to begin with
_VARIANCE = 0.04
_MEANS = column(-1.5, 0.3, 0.5, 1.4, 0.9, -1.2).reshape(3, 2)
_DATA = GaussianMixture(
    column(0.3, 0.3, 0.4), _MEANS, _VARIANCE * torch.eye(2).double().expand(3, 2, 2)
)
_PATH = sde.VPSDE()
_FIELD = Denoiser(_DATA.model(_PATH), _PATH)


class _Run(NamedTuple):
    """The times, all states ``(T + 1, N, 2)``, and the drop of each particle."""

    times: list[float]
    states: Tensor
    drops: Tensor


def _normals(seed: int, count: int) -> Tensor:
    """The first normal numbers of a seed: those of the page (Box and Muller)."""
    u, v = (uniform(seed, 2 * count) + 0.5 / 2**32).reshape(count, 2).T
    return torch.from_numpy(np.sqrt(-2 * np.log(u)) * np.cos(2 * np.pi * v))


def _nearest(x: Tensor) -> Tensor:
    return torch.cdist(x, _MEANS).argmin(1)


@lru_cache(maxsize=1)  # the picture and the numbers ask for the same walk
def _walk(eta: float, way: str, seed: int) -> _Run:
    along = [(i / _STEPS) ** 1.5 for i in range(_STEPS + 1)]
    first = 2 if way == "down" else 4  # numbers that a particle's start takes
    numbers = _normals(seed, _COUNT * (first + 2 * _STEPS))
    start, fresh = numbers[: first * _COUNT], numbers[first * _COUNT :]
    start, fresh = start.reshape(_COUNT, first), fresh.reshape(_STEPS, _COUNT, 2)
    if way == "down":
        times, x, move = along[::-1], start, partial(sde.euler_maruyama, eta=eta)
    else:
        times, move = [max(t, _FIRST) for t in along], partial(sde.forward, eta=eta)
        a, b = _PATH.rates(_FIRST)
        own = torch.tensor([0] * 72 + [1] * 72 + [2] * 96)
        x = a * (_MEANS[own] + _VARIANCE**0.5 * start[:, 2:]) + b * start[:, :2]
    states = [x]
    for noise, (now, then) in zip(fresh, pairwise(times), strict=True):
        here = states[-1]  # the first steps upwards have no length
        states.append(here if now == then else move(_FIELD, here, now, then, noise=noise))
    return _Run(times, torch.stack(states), _nearest(states[-1] if way == "down" else x))


def _walked(now: State) -> tuple[_Run, int]:
    """The run, and which of its states is shown: that of the time nearest to the slider's."""
    run = _walk(now["eta"], now["way"], now["seed"])
    return run, int(np.abs(np.array(run.times) - now["t"]).argmin())


def _readout(now: State) -> list[Row]:
    run, i = _walked(now)
    a, b = _PATH.rates(run.times[i])
    law = _DATA.at(float(a), float(b))
    exact = float(law.covariance.trace() + law.mean.square().sum()) / 2
    mine = float(run.states[i].square().mean())
    shares = [count / _COUNT for count in run.drops.bincount(minlength=3).tolist()]
    pair = torch.stack([run.states[0].flatten(), run.states[i].flatten()])
    return [
        ("mean square of a coordinate", f"{fixed(mine)} (exact: {fixed(exact)})", "ink"),
        (
            "shares of the drops",
            f"{', '.join(fixed(share) for share in shares)} (data: 0.30, 0.30, 0.40)",
            "ink",
        ),
        ("correlation with the start", fixed(torch.corrcoef(pair)[0, 1]), "two"),
    ]


def _mark(canvas: Canvas, at: NDArray[np.float64], drop: int) -> None:
    """Three marks for three drops, so that colour is not all that tells them apart."""
    if drop == 0:
        canvas.dots(at[0], at[1], 2.6, _COLOURS[0])
        return
    square = [(-2.4, -2.4), (2.4, -2.4), (2.4, 2.4), (-2.4, 2.4)]
    corners = square if drop == 1 else [(0, -3.4), (3.2, 2.0), (-3.2, 2.0)]
    canvas.area(at + np.array(corners), _COLOURS[drop], 1.0)


def _draw(now: State) -> Figure:
    width, height = 720, 380
    canvas, (run, i) = Canvas(width, height), _walked(now)
    side = height - 30
    x, y = scale((-_END, _END), (6, 6 + side)), scale((-_END, _END), (side + 4, 4))
    left, right = x(_END) + 46, width - 12
    t, time = scale((0, 1), (left, right)), run.times[i]
    a, b = _PATH.rates(time)
    canvas.box((6, 4), (side, side), edge="line", wide=1)
    ring, turn = 2 * (a**2 * _VARIANCE + b**2) ** 0.5, np.linspace(0, 2 * np.pi, 90)
    for u, v in (a * _MEANS).tolist():
        canvas.line(x(u + ring * np.cos(turn)), y(v + ring * np.sin(turn)), "muted", 1, dash=(3, 4))
    held = run.states.clamp(-_END, _END)
    for k in _TRAILS:
        colour, way = _COLOURS[int(run.drops[k])], held[: i + 1, k]
        canvas.line(x(way[:, 0]), y(way[:, 1]), colour, 1.3, 0.7)
        canvas.line(t(run.times[: i + 1]), y(way[:, 0]), colour, 1.4)
    for (u, v), drop in zip(run.states[i].tolist(), run.drops.tolist(), strict=True):
        if abs(u) < _END and abs(v) < _END:
            _mark(canvas, np.array([x(u), y(v)]), drop)
    canvas.line([left, right], y(-_END), "line", 1)
    canvas.line(t(time), [y(-_END), y(_END)], "ink", 1, dash=(2, 3))
    canvas.text(left, height - 8, "$t$ = 0", "muted", "start", 13)
    canvas.text(right, height - 8, "$t$ = 1", "muted", "end", 13)
    canvas.text((left + right) / 2, height - 8, "across, over time", "muted", size=13)
    canvas.text(x(0), height - 8, f"the plane at $t$ = {fixed(time)}", "muted", size=13)
    return canvas.figure


def _follow(now: State, changes: State) -> State:
    """Another direction begins at its own end."""
    return {"t": 1 if changes["way"] == "down" else 0} if "way" in changes else {}


HAND = Hand(
    title="Particles in an exact field",
    state={"t": 0.15, "eta": 1, "way": "down", "seed": 1},
    controls=[
        Choice("way", "direction", {"down": "back to the data", "up": "forward to the noise"}),
        Slider("t", "<i>t</i>", 0, 1, 0.01),
        Slider("eta", "<i>η</i>", 0, 2, 0.1, digits=1),
        Button("Other noise", lambda now: {"seed": now["seed"] + 1}),
    ],
    draw=_draw,
    readout=_readout,
    follow=_follow,
)
