"""DDIM's dial on a mixture of three bells: paths from noise to data, with an exact prediction."""

from __future__ import annotations

from functools import cache, lru_cache
from itertools import pairwise

import numpy as np
import torch
from matplotlib.figure import Figure
from numpy.typing import NDArray

from genbook import ddim
from genbook.gaussians import GaussianMixture
from genbook.hands.drawing import Canvas, column, density, fixed, scale, uniform
from genbook.hands.frame import Button, Hand, Row, Slider, State
from genbook.schedules import NoiseSchedule

_T = 1000
_COUNT = 400  # paths that are walked
_DRAWN = 20  # and every so-manieth is drawn
_END = 3.2  # of the axis
_BINS = 32
_UPPER = 0.4  # the share of the upper bell
_DATA = GaussianMixture(
    column(0.3, 0.3, _UPPER),
    column(-1.8, 0, 1.6)[:, None],
    column(0.09, 0.09, 0.09)[:, None, None],
)
_SCHEDULE = NoiseSchedule.linear(_T)
Array = NDArray[np.float64]


def _truth(at: Array) -> Array:
    """The density of the data."""
    found: Array = _DATA.log_prob(torch.from_numpy(at)[:, None]).exp().numpy()
    return found


def _evenly(heights: Array, grid: Array) -> Array:
    """Numbers that lie as a density says: between two of them there is always the same area."""
    area = (heights / heights.cumsum()[-1]).cumsum()
    return grid[np.searchsorted(area, (np.arange(_COUNT) + 0.5) / _COUNT, side="right")]


@cache
def _places() -> tuple[Array, Array]:
    """Where the paths start, and where they should end: evenly spread noise, and data."""
    grid = -5 + 10 * np.arange(5001) / 5000
    return _evenly(density(grid, 0, 1), grid), _evenly(_truth(grid), grid)


def _noise(seed: int, steps: int) -> Array:
    """The fresh noise of every step: the evenly spread numbers in another order each time.

    So 400 paths are enough. The path of the reader comes last and gets one of them, too.
    """
    starts, _ = _places()
    numbers = uniform(seed, steps * _COUNT).reshape(steps, _COUNT).tolist()
    rows = []
    for row in numbers:
        order = list(range(_COUNT))
        for i, number in zip(range(_COUNT - 1, 0, -1), row, strict=False):
            j = int(number * (i + 1))
            order[i], order[j] = order[j], order[i]
        rows.append([*starts[order], starts[int(row[-1] * _COUNT)]])
    return np.array(rows)


@lru_cache(maxsize=1)  # the picture and the numbers ask for the same walk
def _walk(eta: float, steps: int, start: float, error: float, seed: int) -> tuple[list[int], Array]:
    """The times, and at each of them all paths; the path of the reader is the last."""
    times, predict = ddim.timesteps(_T, steps), _DATA.model(_SCHEDULE)
    noise = torch.from_numpy(_noise(seed, steps))[..., None]
    x = column(*_places()[0] + error, start + error)[:, None]
    states = [x]
    for fresh, (t, s) in zip(noise, pairwise(times), strict=True):
        x = ddim.step(_SCHEDULE, x, predict(x, t), t, s, eta, fresh)
        states.append(x)
    return times, torch.stack(states)[..., 0].numpy()


def _walked(now: State) -> tuple[list[int], Array]:
    return _walk(now["eta"], now["steps"], now["start"], now["error"], now["seed"])


def _readout(now: State) -> list[Row]:
    samples, mine = np.split(_walked(now)[1][-1], [_COUNT])
    apart = np.sort(samples) - _places()[1]  # both sorted: the distance of the distributions
    share = np.mean(samples > 0.8)
    return [
        ("distance to the data", fixed(np.mean(apart**2) ** 0.5), "two"),
        ("share in the upper bell", f"{fixed(share)} (data: {fixed(_UPPER)})", "two"),
        ("thick path ends at", fixed(mine[0]), "one"),
    ]


def _draw(now: State) -> Figure:
    width, height, side = 720, 400, 150  # the panel on the left, for the data
    canvas, base = Canvas(width, height), height - 34
    times, states = _walked(now)
    t, y = scale((0, _T), (side + 6, width - 34)), scale((-_END, _END), (base, 24))
    tall = scale((0, 0.85), (side, 4))
    heights, edges = np.histogram(states[-1][:_COUNT], _BINS, (-_END, _END))
    for count, low, high in zip(heights, edges, edges[1:], strict=False):
        shown = tall(min(count / (_COUNT * (high - low)), 0.84))
        canvas.box((shown, y(high)), (side - shown, y(low) - y(high) - 1), "two", 0.4)
    grid = np.linspace(-_END, _END, 121)
    canvas.line(tall(_truth(grid)), y(grid), "ink", 2)
    for edge in (side, t(_T)):
        canvas.line(edge, [base, 24], "line", 1)
    canvas.line(t(_T) + 60 * density(grid, now["error"], 1), y(grid), "muted", 2)
    paths = y(np.clip(states, -_END, _END))
    for k in range(_DRAWN // 2, _COUNT, _DRAWN):
        canvas.line(t(times), paths[:, k], "muted", 1.2, 0.55)
    canvas.line(t(times), paths[:, _COUNT], "one", 3)
    if now["steps"] <= 25:
        canvas.dots(t(times), paths[:, _COUNT], 3.5, "one")
    canvas.dots(t(_T), paths[0, _COUNT], 7, "one", "paper")
    canvas.text(side - 4, 14, "data and samples", "muted", "end", 13)
    canvas.text(t(_T) + 26, 14, "noise $x_T$", "muted", "end", 13)
    canvas.text(t(0), height - 12, "$t$ = 0", "muted", "start", 13)
    canvas.text(t(_T), height - 12, f"$t$ = {_T}", "muted", "end", 13)
    return canvas.figure


HAND = Hand(
    title="DDIM's dial, with an exact prediction",
    state={"eta": 1, "steps": 10, "error": 0, "start": 0.5, "seed": 1},
    controls=[
        Slider("eta", "<i>η</i>", 0, 1, 0.05),
        Slider("steps", "steps", 1, 100, 1, digits=0),
        Slider("error", "error in <i>x<sub>T</sub></i>", 0, 1, 0.05),
        Slider("start", "thick path", -2, 2, 0.05),
        Button("Other noise", lambda now: {"seed": now["seed"] + 1}, lambda now: now["eta"] > 0),
    ],
    draw=_draw,
    readout=_readout,
)
