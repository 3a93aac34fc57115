"""Two witnesses of one number: their bells and the bell of both together."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

from genbook import gaussians
from genbook.hands.drawing import Canvas, column, density, fixed, scale
from genbook.hands.frame import Hand, Row, Slider, State

_TALL = 1.0  # the density at the upper edge


def _both(now: State) -> tuple[float, float, float]:
    """Mean, variance and weight of the product."""
    first = column(now["m1"]), column(now["s1"] ** 2)[None]
    second = column(now["m2"]), column(now["s2"] ** 2)[None]
    mean, variance, log_weight = gaussians.product(*first, *second)
    return mean.item(), variance.item(), log_weight.exp().item()


def _readout(now: State) -> list[Row]:
    mean, variance, weight = _both(now)
    return [
        ("mean <i>m</i>", fixed(mean), "three"),
        ("width <i>s</i>", fixed(variance**0.5), "three"),
        ("agreement <i>Z</i>", fixed(weight, 3), "three"),
    ]


def _draw(now: State) -> Figure:
    width, height = 720, 300
    canvas, base = Canvas(width, height), height - 34
    x, y = scale((-4, 4), (14, width - 14)), scale((0, _TALL), (base, 30))

    def bell(mean: float, variance: float) -> tuple[np.ndarray, np.ndarray, float]:
        """The curve and its top; one too tall is drawn lower, at its place but not to scale."""
        top = float(density(mean, mean, variance))
        shrink, reach = min(1.0, _TALL / top), 4.5 * variance**0.5
        at = np.linspace(max(-4, mean - reach), min(4, mean + reach), 91)
        return x(at), y(shrink * density(at, mean, variance)), float(y(shrink * top))

    canvas.axis(x, base, (-4, 4), range(-4, 5), "$x$")
    mean, variance, _ = _both(now)
    across, up, top = bell(mean, variance)
    canvas.shade(across, up, base, "three")
    canvas.line(across, up, "three", 3.5)
    if variance > 0.15:
        canvas.text(x(mean), (base + top) / 2, "product", "three")
    for i, colour in ((1, "one"), (2, "two")):
        across, up, top = bell(now[f"m{i}"], now[f"s{i}"] ** 2)
        canvas.line(across, up, colour)
        canvas.dots(x(now[f"m{i}"]), top, 5, colour, "paper")
        canvas.text(x(now[f"m{i}"]), top - 14, f"$m_{i}$", colour)
    return canvas.figure


def _witness(i: int) -> list[Slider]:
    return [
        Slider(f"m{i}", f"mean <i>m</i><sub>{i}</sub>", -3, 3, 0.05),
        Slider(f"s{i}", f"width <i>s</i><sub>{i}</sub>", 0.2, 2, 0.05),
    ]


HAND = Hand(
    title="Two bells and their product",
    state={"m1": -1.2, "s1": 0.9, "m2": 1.2, "s2": 0.6},
    controls=[*_witness(1), *_witness(2)],
    draw=_draw,
    readout=_readout,
)
