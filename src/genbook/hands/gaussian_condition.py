"""A Gaussian in the plane, cut by a line: what the known number says about the other."""

from __future__ import annotations

import numpy as np
import torch
from matplotlib.figure import Figure

from genbook import gaussians
from genbook.hands.drawing import Canvas, column, density, fixed, scale
from genbook.hands.frame import Hand, Row, Slider, State

_END = 3


def _covariance(now: State) -> torch.Tensor:
    """Both numbers have the width 1."""
    return torch.stack([column(1, now["rho"]), column(now["rho"], 1)])


def _cut(now: State) -> tuple[float, float]:
    """Mean and variance of u when v is known."""
    mean, variance = gaussians.condition(column(0, 0), _covariance(now), [0], column(now["value"]))
    return mean.item(), variance.item()


def _readout(now: State) -> list[Row]:
    mean, variance = _cut(now)
    return [
        ("mean of <i>u</i>", fixed(mean), "three"),
        ("width of <i>u</i>", fixed(variance**0.5), "three"),
        ("width before", fixed(1.0), "muted"),
    ]


def _draw(now: State) -> Figure:
    width, height, side = 720, 360, 250  # the panel on the right, for the bell of u
    canvas, base = Canvas(width, height), height - 30
    x, y = scale((-_END, _END), (14, width - side - 16)), scale((-_END, _END), (base, 10))
    tall = scale((0, 1.3), (width - side, width - 8))
    mean, variance = _cut(now)
    # Where the density is that of r widths from the middle: a circle, stretched as x = L z.
    angle = np.linspace(0, 2 * np.pi, 73)
    ring = torch.linalg.cholesky(_covariance(now)).numpy() @ [np.cos(angle), np.sin(angle)]
    for r in (2.5, 2, 1.5, 1, 0.5):
        canvas.area(np.stack([x(r * ring[0]), y(r * ring[1])], 1), "one", 0.16)
    canvas.axis(x, base, (-_END, _END), range(-_END, _END + 1), "$v$")
    known, width_after = x(now["value"]), variance**0.5
    canvas.line(known, [base, 10], "two", 2.5)
    canvas.line([known, tall(0)], y(mean), "three", 2, dash=(2, 5))
    canvas.line(known, [y(mean - width_after), y(mean + width_after)], "three", 6)
    canvas.dots(known, y(mean), 6, "three", "paper")
    canvas.line(tall(0), [base, 10], "line", 1)
    grid = np.linspace(-_END, _END, 181)
    canvas.line(tall(density(grid, 0, 1)), y(grid), "muted", 2, dash=(6, 5))
    shape = np.stack([tall(density(grid, mean, variance)), y(grid)], 1)
    canvas.area(shape, "three", 0.18)
    canvas.line(shape[:, 0], shape[:, 1], "three", 3.5)
    canvas.text(tall(0) + 8, 22, "$u$", "muted", "start")
    canvas.dots(known, base, 7, "two", "paper")
    return canvas.figure


HAND = Hand(
    title="A Gaussian in the plane, cut by a line",
    state={"value": 1.2, "rho": 0.8},
    controls=[
        Slider("value", "known <i>v</i>", -2.5, 2.5, 0.05),
        Slider("rho", "correlation", -0.95, 0.95, 0.05),
    ],
    draw=_draw,
    readout=_readout,
)
