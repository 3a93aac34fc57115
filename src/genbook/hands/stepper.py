"""The error of a solver by its number of calls, on the exact flow of a mixture of three bells."""

from __future__ import annotations

from functools import cache, lru_cache

import numpy as np
import torch
from matplotlib.figure import Figure
from numpy.typing import NDArray
from torch import Tensor

from genbook import ode
from genbook.denoiser import Denoiser
from genbook.gaussians import GaussianMixture
from genbook.hands.drawing import Canvas, column, fixed, scale
from genbook.hands.frame import Choice, Hand, Row, Slider, State
from genbook.paths import VE
from genbook.sampling import states

_DATA = GaussianMixture(
    column(0.3, 0.3, 0.4),
    column(-1.8, 0, 1.6)[:, None],
    column(0.04, 0.04, 0.04)[:, None, None],
)
_HIGH, _LOW = 20.0, 0.05  # of σ
_CALLS = {"euler": 1, "heun": 2, "rk4": 4, "2m": 1}
_NAMES = {"euler": "Euler", "heun": "Heun", "rk4": "RK4", "2m": "2M"}
_COLOURS = {"euler": "three", "heun": "four", "rk4": "one", "2m": "two"}
_COUNTS = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64)  # steps that are tried for the curves
_MOST = 64  # calls
_STARTS = torch.linspace(-1.9, 1.9, 10, dtype=torch.float64)[:, None] * _HIGH
_END = 3.0
_PATH = VE(0.01, 2 * _HIGH)
Array = NDArray[np.float64]


def _sigmas(rho: float, steps: int) -> list[float]:
    """So many steps, even in the ρ-th root of σ."""
    first, last = _HIGH ** (1 / rho), _LOW ** (1 / rho)
    return [(first + (last - first) * i / steps) ** rho for i in range(steps + 1)]


def _slope(x: Tensor, sigma: float) -> Tensor:
    """dx/dσ of the flow, for a path whose data do not fade."""
    return _DATA.eps(x, 1.0, sigma)


def _walk(solver: str, x: Tensor, grid: list[float]) -> Tensor:
    """All states, one at each σ of the grid: ``(len(grid), B)``."""
    if solver == "2m":
        denoiser = Denoiser(_DATA.model(_PATH), _PATH)
        times = [ode.time_of(_PATH, sigma) for sigma in grid]
        walked = [state for _, state in states(ode.Multistep(), denoiser, x, times)]
        return torch.stack(walked)[..., 0]
    ends = grid[0], grid[-1]
    found = ode.solve(_slope, x, *ends, solver, grid, at=grid[1:])  # type: ignore[arg-type]
    return torch.cat([x[None], found])[..., 0]


@lru_cache(maxsize=4)
def _exactly(start: float | None) -> tuple[list[float], Array]:
    """Where the flow leads, by so many small steps that nothing is left to see."""
    grid = _sigmas(7, 400)
    x = _STARTS if start is None else column(start * _HIGH)[:, None]
    return grid, _walk("rk4", x, grid).numpy()


@cache
def _error(solver: str, steps: int, rho: float) -> float:
    """The root mean square over the starts."""
    ends = _walk(solver, _STARTS, _sigmas(rho, steps))[-1].numpy()
    return float(np.sqrt(np.mean((ends - _exactly(None)[1][-1]) ** 2)))


def _steps(now: State) -> int:
    return max(1, now["calls"] // _CALLS[now["solver"]])


def _small(value: float) -> str:
    if value >= 0.001:
        return fixed(value, 3)
    digits, power = f"{value:.0e}".split("e")
    return f"{digits}e{int(power)}".replace("-", "−")


def _mine(now: State) -> tuple[list[float], Array]:
    """The thick path."""
    grid = _sigmas(now["rho"], _steps(now))
    return grid, _walk(now["solver"], column(now["start"] * _HIGH)[:, None], grid)[:, 0].numpy()


def _readout(now: State) -> list[Row]:
    found = _error(now["solver"], _steps(now), now["rho"])
    ends = fixed(_mine(now)[1][-1]), fixed(_exactly(now["start"])[1][-1, 0])
    return [
        ("error", _small(found), _COLOURS[now["solver"]]),
        ("steps", str(_steps(now)), "ink"),
        ("thick path ends at", f"{ends[0]} (exact: {ends[1]})", "one"),
    ]


def _draw_paths(canvas: Canvas, now: State) -> None:
    """The paths of the solver, with data on the left and noise on the right."""
    top, base, right, side = 26, 314, 354, 50
    root = 1 / 7  # the axis is even in the seventh root, whatever ρ is
    t = scale((_LOW**root, _HIGH**root), (side + 4, right - 12))
    y = scale((-4.4, 4.4), (base, top))

    def places(x: Array, grid: list[float]) -> tuple[Array, Array]:
        sigma = np.array(grid)
        level = x / np.sqrt(1 + sigma**2 / 4)  # so that all noise levels fit
        return t(sigma**root), y(np.clip(level, -2 * _END, 2 * _END))

    at = np.linspace(-_END, _END, 91)
    heights = _DATA.log_prob(torch.from_numpy(at)[:, None]).exp().numpy()
    canvas.line(side, [base, top], "line", 1)
    canvas.line(side - 60 * heights, y(at), "ink", 1.5)
    grid = _sigmas(now["rho"], _steps(now))
    for path in _walk(now["solver"], _STARTS, grid).numpy().T:
        canvas.line(*places(path, grid), "muted", 1.2, 0.6)
    fine, truth = _exactly(now["start"])
    canvas.line(*places(truth[::8, 0], fine[::8]), "ink", 2, dash=(2, 4))
    _, mine = _mine(now)
    canvas.line(*places(mine, grid), "one", 2.5)
    if len(grid) <= 25:
        canvas.dots(*places(mine, grid), 3.5, "one")
    canvas.text(4, top - 8, "data", "muted", "start", 13)
    canvas.text(right - 6, top - 8, "noise", "muted", "end", 13)


def _draw_errors(canvas: Canvas, now: State) -> None:
    """Error over calls for all solvers, and where we are."""
    top, base, left, right = 26, 300, 408, 706
    x, y = scale((0, 6), (left, right)), scale((-5, 0.5), (base, top))

    def places(calls: Array, error: Array) -> tuple[Array, Array]:
        return x(np.log2(calls)), y(np.clip(np.log10(error), -5, 0.5))

    for power in (-4, -3, -2, -1, 0):
        canvas.line([left, right], y(power), "line", 1, 0.5)
        words = "1" if power == 0 else f"$10^{{{power}}}$"
        canvas.text(left - 6, y(power) + 4.5, words, "muted", "end", 13)
    for calls in (1, 4, 16, 64):
        canvas.text(x(np.log2(calls)), base + 18, str(calls), "muted", size=13)
    for solver, each in _CALLS.items():
        counts = np.array([n for n in _COUNTS if n * each <= _MOST])
        found = np.array([_error(solver, int(n), now["rho"]) for n in counts])
        px, py = places(counts * each, found)
        chosen = solver == now["solver"]
        canvas.line(px, py, _COLOURS[solver], 3 if chosen else 1.4, 1 if chosen else 0.55)
        below = 16 if solver == "2m" else -7
        canvas.text(px[-1] - 2, py[-1] + below, _NAMES[solver], _COLOURS[solver], "end", 13)
    here = np.array([_steps(now) * _CALLS[now["solver"]]], dtype=float)
    error = np.array([_error(now["solver"], _steps(now), now["rho"])])
    canvas.dots(*places(here, error), 6, _COLOURS[now["solver"]], "paper")
    canvas.text(left, top - 8, "error, over calls", "muted", "start", 13)


def _draw(now: State) -> Figure:
    canvas = Canvas(720, 330)
    _draw_paths(canvas, now)
    _draw_errors(canvas, now)
    return canvas.figure


HAND = Hand(
    title="The error of a solver by its calls, on the exact flow",
    state={"solver": "euler", "calls": 8, "rho": 7, "start": 0.4},
    controls=[
        Choice(
            "solver",
            "solver",
            {"euler": "Euler", "heun": "Heun", "rk4": "RK4", "2m": "++(2M)"},
        ),
        Slider("calls", "calls", 4, _MOST, 4, digits=0),
        Slider("rho", "<i>ρ</i>", 1, 12, 1, digits=0),
        Slider("start", "thick path", -1.9, 1.9, 0.05),
    ],
    draw=_draw,
    readout=_readout,
)
