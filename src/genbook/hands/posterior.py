"""One step back when x_0 is known: two parabolas add up, their sum is the posterior's bell."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from matplotlib.figure import Figure

from genbook import ddpm
from genbook.hands.drawing import Canvas, column, density, fixed, scale
from genbook.hands.frame import Hand, Row, Slider, State
from genbook.schedules import NoiseSchedule

_SCHEDULE = NoiseSchedule.linear(20, 1e-3, 0.3)
_END = 2.4  # of the axis
_DEEP = 9.0  # how far down the parabolas are shown


class Bell(NamedTuple):
    """What somebody says about a number."""

    mean: float
    variance: float


def posterior(x0: float, xt: float, t: int) -> Bell:
    """q(x_{t-1} | x_t, x_0)."""
    mean, variance = ddpm.q_posterior(_SCHEDULE, column(x0), column(xt), t)
    return Bell(mean.item(), variance.item())


def witnesses(x0: float, xt: float, t: int) -> tuple[Bell, Bell]:
    """What x_0 and x_t say of x_{t-1}: it is a x_0 + noise, and x_t is √α x_{t-1} + noise."""
    a, b = map(float, _SCHEDULE.rates(t - 1))
    alpha, beta = float(_SCHEDULE.alpha(t)), float(_SCHEDULE.beta(t))
    return Bell(a * x0, b**2), Bell(xt / alpha**0.5, beta / alpha)


def _answer(now: State) -> Bell:
    return posterior(now["x0"], now["xt"], now["t"])


def _readout(now: State) -> list[Row]:
    mean, variance = _answer(now)
    of_x0, of_xt = (posterior(*ends, now["t"]).mean for ends in ((1, 0), (0, 1)))
    return [
        ("mean <i>μ̃<sub>t</sub></i>", fixed(mean), "three"),
        ("variance <i>β̃<sub>t</sub></i>", fixed(variance, 4), "three"),
        ("weight of <i>x</i><sub>0</sub>", fixed(of_x0, 3), "one"),
        ("weight of <i>x<sub>t</sub></i>", fixed(of_xt, 3), "two"),
    ]


def _draw(now: State) -> Figure:
    width, height = 720, 430
    canvas = Canvas(width, height)
    past, present = witnesses(now["x0"], now["xt"], now["t"])
    both = _answer(now)
    rails = height - 62, height - 20
    top, fold, base = 22, 150, rails[0] - 34
    x, depth = scale((-_END, _END), (12, width - 12)), scale((0, -_DEEP), (top, fold))
    rise = scale((0, float(density(both.mean, *both))), (base, fold + 44))
    grid = np.linspace(-_END, _END, 481)

    def parabola(bell: Bell) -> np.ndarray:
        """The logarithm of a density, less its greatest value."""
        return np.log(density(grid, *bell) / density(bell.mean, *bell) + 1e-300)

    def shown(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        kept = values > -_DEEP
        return x(grid[kept]), depth(values[kept])

    total = parabola(past) + parabola(present)
    canvas.line(x([-_END, _END]), top, "line", 1)
    canvas.text(x(-_END), fold + 22, "↑ logarithms add", "muted", "start", 13)
    canvas.text(x(_END), fold + 22, "densities multiply ↓", "muted", "end", 13)
    highest = max(-_DEEP, float(total.max()))
    canvas.line(x(both.mean), [depth(highest), base], "three", 2, dash=(2, 5))
    for bell, colour, name in ((past, "one", "$x_0$"), (present, "two", "$x_t$")):
        canvas.line(*shown(parabola(bell)), colour)
        if abs(bell.mean) < _END:
            canvas.text(x(bell.mean), top - 6, name, colour)
    canvas.line(*shown(total), "three", 3.5)
    canvas.line(x([-_END, _END]), base, "line", 1)
    canvas.shade(x(grid), rise(density(grid, *both)), base, "three")
    for bell, colour, wide in ((past, "one", 2.5), (present, "two", 2.5), (both, "three", 3.5)):
        canvas.line(x(grid), rise(density(grid, *bell)), colour, wide)
    canvas.text(x(_END), base + 18, "$x_{t-1}$", "muted", "end")
    told = (now["x0"], past, "one", "$x_0$"), (now["xt"], present, "two", "$x_t$")
    for rail, (start, bell, colour, name) in zip(rails, told, strict=True):
        canvas.line(x([-_END, _END]), rail, "line", 1)
        canvas.line([x(start), x(bell.mean)], rail, colour, 3, 0.5)
        canvas.line(x(bell.mean), [rail - 7, rail + 7], colour, 3)
        canvas.dots(x(start), rail, 8, colour, "paper")
        canvas.text(x(-_END) + 2, rail - 9, name, colour, "start")
    return canvas.figure


HAND = Hand(
    title="One step back, given the present and the start",
    state={"xt": -0.7, "x0": 0.8, "t": 8},
    controls=[
        Slider("xt", "present <i>x<sub>t</sub></i>", -2, 2, 0.05),
        Slider("x0", "start <i>x</i><sub>0</sub>", -1, 1, 0.05),
        Slider("t", "time <i>t</i>", 2, 20, 1, digits=0),
    ],
    draw=_draw,
    readout=_readout,
)
