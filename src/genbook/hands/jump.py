"""A flow map to grab at its two times: where the curve through a point leads."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from genbook import ode
from genbook.gaussians import GaussianMixture
from genbook.hands.drawing import Canvas, column, fixed, scale
from genbook.hands.frame import Hand, Row, Slider, State

_DATA = GaussianMixture(
    column(0.3, 0.3, 0.4),
    column(-1.8, 0, 1.6)[:, None],
    column(0.1, 0.1, 0.1)[:, None, None],
)
_LAST = 0.97  # of t; at 1 the ratio σ is infinite
_END = 2.6  # of the heights
_PUSH = 0.01
Array = NDArray[np.float64]


def _ratio(t: float) -> float:
    """σ = b / a of the straight path."""
    return t / (1 - t)


@lru_cache(maxsize=64)
def _curve(z: float, t: float, s: float) -> tuple[Array, Array]:
    """The curve through the height z at the time t, on the way to s: times and heights."""
    if t == s:
        return np.array([t]), np.array([z])
    roots = np.linspace(_ratio(t) ** (1 / 7), _ratio(s) ** (1 / 7), 81)
    sigmas = roots**7
    grid = sigmas.tolist()
    start = column(z * (1 + grid[0]))[:, None]  # x / a
    states = ode.solve(
        lambda x, sigma: _DATA.eps(x, 1.0, sigma),
        start, grid[0], grid[-1], "rk4", grid, at=grid[1:],
    )  # fmt: skip
    heights = np.concatenate([start.numpy()[0], states.numpy()[:, 0, 0]])
    return sigmas / (1 + sigmas), heights / (1 + sigmas)


def _jump(now: State, push: float = 0.0) -> float:
    return float(_curve(now["z"] + push, now["t"], now["s"])[1][-1])


def _readout(now: State) -> list[Row]:
    moved = _jump(now, _PUSH) - _jump(now)
    return [
        ("end", fixed(_jump(now)), "two"),
        ("a push of 0.01 moves it by", fixed(moved, 3), "two"),
    ]


def _draw(now: State) -> Figure:
    width, height = 720, 330
    canvas = Canvas(width, height)
    top, base, left, right = 26, height - 16, 58, width - 14
    x, y = scale((0, 1), (left, right)), scale((-_END, _END), (base, top))

    def places(times: Array, heights: Array) -> tuple[Array, Array]:
        return x(times), y(np.clip(heights, -_END, _END))

    at = np.linspace(-_END, _END, 91)
    tall = _DATA.log_prob(column(*at.tolist())[:, None]).exp().numpy()
    canvas.line(left - 6, [base, top], "line", 1)
    canvas.line(left - 6 - 70 * tall, y(at), "ink", 1.5)
    for z in np.linspace(-2.2, 2.2, 15).tolist():
        canvas.line(*places(*_curve(z, _LAST, 0.0)), "muted", 1.2, 0.5)
    for end in (0.0, _LAST):
        canvas.line(*places(*_curve(now["z"], now["t"], end)), "one", 2, 0.6)
    canvas.line(x(now["s"]), [base, top], "two", 1, dash=(2, 5))
    ends = places(np.array([now["t"], now["s"]]), np.array([now["z"], _jump(now)]))
    canvas.line(*ends, "two", 3, dash=(7, 6))
    for i, (colour, r) in enumerate((("one", 9), ("two", 7))):
        canvas.dots(ends[0][i], ends[1][i], r, colour, "paper")
    canvas.text(left, top - 8, "data", "muted", "start", 13)
    canvas.text(right, top - 8, "noise", "muted", "end", 13)
    return canvas.figure


HAND = Hand(
    title="A flow map between two times",
    state={"z": -0.5, "t": 0.8, "s": 0},
    controls=[
        Slider("z", "start", -2.2, 2.2, 0.01),
        Slider("t", "from <i>t</i>", 0, _LAST, 0.01),
        Slider("s", "to <i>s</i>", 0, _LAST, 0.01),
    ],
    draw=_draw,
    readout=_readout,
)
