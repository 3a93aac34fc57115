"""The paper dictionary: every paper's notation beside ours, and both evaluated.

A row of the dictionary holds one formula twice, once in a paper's own symbols and once in the
symbols of this book, as SymPy expressions. The page *Notation* prints the two expressions, and
:func:`evaluate` puts numbers into the very same two expressions. The numbers of each side come from
its own definitions: a paper's symbols are worked out from the betas, the data and the noise in the
way that paper defines them, ours by :class:`genbook.schedules.NoiseSchedule` and the path
``x_t = a_t x_0 + b_t eps``. What is printed is therefore what is tested.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import sympy as sp

from genbook.schedules import NoiseSchedule

__all__ = ["PAPERS", "ROWS", "Paper", "Row", "Setting", "evaluate"]


@dataclass(frozen=True)
class Setting:
    """The numbers that both notations are evaluated at; one scalar pixel is enough.

    ``make`` makes the discrete schedule of ``T`` steps, ``t`` and ``s < t`` are two of them, ``u``
    is a continuous time in (0, 1), ``end`` < ``u`` the one at which a jump ends, ``F`` the mean
    velocity between them, ``x0`` the data, ``eps`` the noise, ``eps_c`` and ``eps_null``
    two predictions of it (with and without the condition), ``w`` the guidance scale and ``eta``
    DDIM's. The continuous VP path runs from ``beta_min`` to ``beta_max``.
    """

    make: Callable[[int], NoiseSchedule] = NoiseSchedule.linear
    T: int = 1000
    t: int = 600
    s: int = 540
    u: float = 0.6
    end: float = 0.25
    F: float = -1.7
    x0: float = 0.7
    eps: float = -1.3
    eps_c: float = -1.1
    eps_null: float = -0.4
    w: float = 2.5
    eta: float = 0.4
    beta_min: float = 0.1
    beta_max: float = 20.0

    @property
    def schedule(self) -> NoiseSchedule:
        """The discrete schedule of T steps."""
        return self.make(self.T)

    def product(self, t: int) -> float:
        """prod of (1 - beta_r) over r <= t, multiplied out one factor at a time."""
        value = 1.0
        for beta in self.schedule.betas[1 : t + 1].tolist():
            value *= 1.0 - beta
        return value

    def beta(self, u: float) -> float:
        """The linear beta(u) of the continuous VP path."""
        return self.beta_min + u * (self.beta_max - self.beta_min)

    @property
    def straight(self) -> float:
        """The state at u on the straight path."""
        return (1 - self.u) * self.x0 + self.u * self.eps

    def integral(self) -> float:
        """The integral of beta from 0 to u, by the trapezoid rule (exact for a linear beta)."""
        grid = np.linspace(0.0, self.u, 101)
        return float(np.trapezoid([self.beta(float(r)) for r in grid], grid))

    def vp(self, u: float) -> tuple[float, float]:
        """Our (a, b) of the continuous VP path, in closed form."""
        log_a = -0.25 * u**2 * (self.beta_max - self.beta_min) - 0.5 * u * self.beta_min
        return math.exp(log_a), math.sqrt(-math.expm1(2 * log_a))


Values = dict[sp.Symbol, Callable[[Setting], float]]


@dataclass(frozen=True)
class Paper:
    """A paper, by its key in the bibliography, and its symbols, each from first principles."""

    key: str
    symbols: Values


@dataclass(frozen=True)
class Row:
    """One formula in the paper's symbols and in ours.

    ``note`` says what to watch, ``at`` where the two are compared.
    """

    paper: str
    what: str
    theirs: sp.Expr
    ours: sp.Expr
    note: str = ""
    at: Setting = field(default_factory=Setting)

    @property
    def latex(self) -> tuple[str, str]:
        """Both sides in LaTeX, their terms in the order in which they are written."""
        return sp.latex(self.theirs, order="none"), sp.latex(self.ours, order="none")


def _symbols(*names: str) -> tuple[sp.Symbol, ...]:
    return tuple(sp.Symbol(name, real=True) for name in names)


# Our own symbols. The discrete ones carry the index t, the continuous ones the argument (t).
a_t, b_t, a_s, b_s, lam = _symbols("a_t", "b_t", "a_s", "b_s", r"\lambda_t")
x0, eps, x_t, score, v = _symbols("x_0", r"\epsilon", "x_t", "s", "v")
state, end, mean_v = _symbols("x", "{s}", "F")
eps_c, eps_n, w, eta, time = _symbols(r"\epsilon_c", r"\epsilon_\varnothing", "w", r"\eta", "t")
a_u, b_u, dlog_a, dratio = _symbols(
    "a(t)", "b(t)", r"\tfrac{d\ln a}{dt}", r"{\tfrac{d}{dt}\tfrac{b^2}{a^2}}"
)


def _slope(function: Callable[[float], float], u: float, h: float = 1e-5) -> float:
    """A central difference; its error, of the order of h^2, is far below the test's tolerance."""
    return (function(u + h) - function(u - h)) / (2 * h)


def _a(t: int, n: Setting) -> float:
    return float(n.schedule.a(t))


def _b(t: int, n: Setting) -> float:
    return float(n.schedule.b(t))


OURS: Values = {
    a_t: lambda n: _a(n.t, n),
    b_t: lambda n: _b(n.t, n),
    a_s: lambda n: _a(n.s, n),
    b_s: lambda n: _b(n.s, n),
    lam: lambda n: float(n.schedule.log_snr(n.t)),
    x0: lambda n: n.x0,
    eps: lambda n: n.eps,
    x_t: lambda n: _a(n.t, n) * n.x0 + _b(n.t, n) * n.eps,
    score: lambda n: -n.eps / _b(n.t, n),
    v: lambda n: n.eps - n.x0,
    eps_c: lambda n: n.eps_c,
    eps_n: lambda n: n.eps_null,
    w: lambda n: n.w,
    eta: lambda n: n.eta,
    time: lambda n: n.u,
    end: lambda n: n.end,
    mean_v: lambda n: n.F,
    state: lambda n: n.straight,
    a_u: lambda n: n.vp(n.u)[0],
    b_u: lambda n: n.vp(n.u)[1],
    dlog_a: lambda n: _slope(lambda u: math.log(n.vp(u)[0]), n.u),
    dratio: lambda n: _slope(lambda u: (n.vp(u)[1] / n.vp(u)[0]) ** 2, n.u),
}

# The papers' symbols. A name that two papers share (alpha_t, sigma) stands for two things.
alpha_bar, alpha_bar_1, beta_t = _symbols(r"\bar{\alpha}_t", r"\bar{\alpha}_{t-1}", r"\beta_t")
alpha, alpha_prev, sigma, f_t, f_0 = _symbols(
    r"\alpha_t", r"\alpha_{s}", r"\sigma_t", "f(t)", "f(0)"
)
beta_c, integral = _symbols(r"\beta(t)", r"{\int_0^t\!\beta(r)\,dr}")
gamma_t, edm, D, edm_x = _symbols(r"\gamma(t)", r"\sigma", r"D(x;\sigma)", "x")
X0, X1 = _symbols("x_0", "x_1")
noise_z, state_z, end_r, mean_u, step_d, slope_s, flow_v, start_s, state_t = _symbols(
    "z", "z_t", "r", r"u_\theta", "d", r"s_\theta", "v_{s,t}", "s", "x_t"
)


def _cosine(t: int, n: Setting) -> float:
    return math.cos((t / n.T + 0.008) / 1.008 * math.pi / 2) ** 2


def _vdm(n: Setting) -> tuple[float, float]:
    return math.sqrt(n.product(n.t)), math.sqrt(1 - n.product(n.t))


PAPERS: dict[str, Paper] = {
    paper.key: paper
    for paper in (
        Paper(
            "ho2020denoising",
            {
                alpha_bar: lambda n: n.product(n.t),
                alpha_bar_1: lambda n: n.product(n.t - 1),
                beta_t: lambda n: float(n.schedule.betas[n.t]),
                x0: lambda n: n.x0,
                eps: lambda n: n.eps,
            },
        ),
        Paper(
            "song2021denoising",
            {
                alpha: lambda n: n.product(n.t),
                alpha_prev: lambda n: n.product(n.s),
                x0: lambda n: n.x0,
                eps: lambda n: n.eps,
                eta: lambda n: n.eta,
            },
        ),
        Paper(
            "nichol2021improved",
            {f_t: lambda n: _cosine(n.t, n), f_0: lambda n: _cosine(0, n)},
        ),
        Paper(
            "song2021score",
            {beta_c: lambda n: n.beta(n.u), integral: lambda n: n.integral()},
        ),
        Paper(
            "kingma2021variational",
            {
                alpha: lambda n: _vdm(n)[0],
                sigma: lambda n: _vdm(n)[1],
                gamma_t: lambda n: math.log(1 - n.product(n.t)) - math.log(n.product(n.t)),
            },
        ),
        Paper(
            "salimans2022progressive",
            {
                alpha: lambda n: _vdm(n)[0],
                sigma: lambda n: _vdm(n)[1],
                edm_x: lambda n: n.x0,
                eps: lambda n: n.eps,
            },
        ),
        Paper(
            "karras2022elucidating",
            {
                edm: lambda n: math.sqrt(1 / n.product(n.t) - 1),
                D: lambda n: n.x0,
                edm_x: lambda n: n.x0 + math.sqrt(1 / n.product(n.t) - 1) * n.eps,
            },
        ),
        Paper("lu2022dpm", {alpha: lambda n: _vdm(n)[0], sigma: lambda n: _vdm(n)[1]}),
        # Flow papers run time from noise to data: their t is our 1 - t, their x_1 our x_0.
        Paper(
            "lipman2023flow",
            {time: lambda n: 1 - n.u, X0: lambda n: n.eps, X1: lambda n: n.x0},
        ),
        Paper(
            "liu2023flow",
            {time: lambda n: 1 - n.u, X0: lambda n: n.eps, X1: lambda n: n.x0},
        ),
        Paper(
            "esser2024scaling",
            {time: lambda n: n.u, x0: lambda n: n.x0, eps: lambda n: n.eps},
        ),
        # Their time is a noise level, and their state that of a path whose data do not fade.
        Paper(
            "song2023consistency",
            {
                edm_x: lambda n: n.x0,
                noise_z: lambda n: n.eps,
                time: lambda n: math.sqrt(1 / n.product(n.t) - 1),
            },
        ),
        Paper(
            "geng2025mean",
            {
                state_z: lambda n: n.straight,
                time: lambda n: n.u,
                end_r: lambda n: n.end,
                mean_u: lambda n: n.F,
            },
        ),
        # From noise to data, with the length of the step in the place of its end.
        Paper(
            "frans2025one",
            {
                state_t: lambda n: n.straight,
                step_d: lambda n: (1 - n.end) - (1 - n.u),
                slope_s: lambda n: -n.F,
            },
        ),
        # From noise to data, and the start is named before the end.
        Paper(
            "boffi2025how",
            {
                edm_x: lambda n: n.straight,
                start_s: lambda n: 1 - n.u,
                time: lambda n: 1 - n.end,
                flow_v: lambda n: -n.F,
            },
        ),
        Paper(
            "ho2022classifier",
            {eps_c: lambda n: n.eps_c, eps_n: lambda n: n.eps_null, w: lambda n: n.w},
        ),
        Paper(
            "saharia2022photorealistic",
            {eps_c: lambda n: n.eps_c, eps_n: lambda n: n.eps_null, w: lambda n: 1 + n.w},
        ),
    )
}

_flow_reversed = "time is reversed: their $x_1$ is data, their $x_0$ noise"


def _rows() -> tuple[Row, ...]:
    noised = a_t * x0 + b_t * eps
    return (
        Row(
            "ho2020denoising",
            "noised data",
            sp.sqrt(alpha_bar) * x0 + sp.sqrt(1 - alpha_bar) * eps,
            noised,
        ),
        Row(
            "ho2020denoising",
            r"posterior variance $\tilde\beta_t$",
            (1 - alpha_bar_1) / (1 - alpha_bar) * beta_t,
            b_s**2 / b_t**2 * (1 - a_t**2 / a_s**2),
            "ours for any $s < t$; theirs is $s = t-1$",
            at=Setting(s=Setting.t - 1),
        ),
        Row(
            "song2021denoising",
            "noised data",
            sp.sqrt(alpha) * x0 + sp.sqrt(1 - alpha) * eps,
            noised,
            r"their $\alpha_t$ is everybody else's $\bar\alpha_t$",
        ),
        Row(
            "song2021denoising",
            "noise of a reverse step",
            eta * sp.sqrt((1 - alpha_prev) / (1 - alpha)) * sp.sqrt(1 - alpha / alpha_prev),
            eta * b_s / b_t * sp.sqrt(1 - a_t**2 / a_s**2),
        ),
        Row(
            "nichol2021improved",
            "cosine schedule",
            f_t / f_0,
            a_t**2,
            r"both are $\bar\alpha_t$; the last steps are clipped",
            at=Setting(make=NoiseSchedule.cosine),
        ),
        Row("song2021score", "signal rate (VP)", sp.exp(-(integral / 2)), a_u),
        Row("song2021score", "noise rate (VP)", sp.sqrt(1 - sp.exp(-integral)), b_u),
        Row("song2021score", "drift divided by $x$ (VP)", -(beta_c / 2), dlog_a),
        Row("song2021score", "squared diffusion $g^2$ (VP)", beta_c, a_u**2 * dratio),
        Row(
            "kingma2021variational",
            "signal-to-noise ratio",
            alpha**2 / sigma**2,
            sp.exp(lam),
            r"their $\sigma_t$ is our $b_t$",
        ),
        Row("kingma2021variational", "log-SNR", -gamma_t, lam),
        Row(
            "salimans2022progressive",
            "v-prediction",
            alpha * eps - sigma * edm_x,
            a_t * eps - b_t * x0,
            "this $v$ is a prediction target, not the velocity $v$ of a flow",
        ),
        Row(
            "karras2022elucidating",
            "noise level",
            edm,
            b_t / a_t,
            r"their $x$ is our $x_t / a_t$",
        ),
        Row("karras2022elucidating", "score", (D - edm_x) / edm**2, a_t * score),
        Row(
            "karras2022elucidating",
            r"slope of the flow, $dx/d\sigma$",
            (edm_x - D) / edm,
            eps,
            r"in our letters $d\bar x/d\sigma$, with $\bar x = x_t / a_t$",
        ),
        Row(
            "lu2022dpm",
            "their $\\lambda_t$",
            sp.log(alpha / sigma),
            lam / 2,
            "half of ours: theirs is the logarithm of a ratio that is not squared",
        ),
        Row(
            "lipman2023flow",
            r"conditional path, $\sigma_{\min} = 0$",
            (1 - time) * X0 + time * X1,
            (1 - time) * x0 + time * eps,
            _flow_reversed,
        ),
        Row("lipman2023flow", "conditional velocity", X1 - X0, -v, "the sign turns with time"),
        Row(
            "liu2023flow",
            "linear interpolation",
            time * X1 + (1 - time) * X0,
            (1 - time) * x0 + time * eps,
            _flow_reversed,
        ),
        Row(
            "esser2024scaling",
            "noised latent",
            (1 - time) * x0 + time * eps,
            (1 - time) * x0 + time * eps,
            "the same as ours",
        ),
        Row("esser2024scaling", "velocity", eps - x0, v),
        Row(
            "song2023consistency",
            "noised data",
            edm_x + time * noise_z,
            x_t / a_t,
            r"their $t$ is our ratio $\sigma$; their $f(x, t)$ is $X$ down to the data",
        ),
        Row(
            "geng2025mean",
            "a jump of the flow map",
            state_z - (time - end_r) * mean_u,
            state + (end - time) * mean_v,
            "their $r$ is our $s$, their $u$ our $F$; their arguments are $(z, r, t)$",
        ),
        Row(
            "frans2025one",
            "a jump of the flow map",
            state_t + slope_s * step_d,
            state + (end - time) * mean_v,
            "time is reversed; their $d$ is the length of the jump, our $t - s$",
        ),
        Row(
            "boffi2025how",
            "a jump of the flow map",
            edm_x + (time - start_s) * flow_v,
            state + (end - time) * mean_v,
            "time is reversed; their $X_{s,t}$ starts at $s$, ours at $t$",
        ),
        Row(
            "ho2022classifier",
            "classifier-free guidance",
            (1 + w) * eps_c - w * eps_n,
            (1 + w) * eps_c - w * eps_n,
            "the same as ours; $w = 0$ is no guidance",
        ),
        Row(
            "saharia2022photorealistic",
            "classifier-free guidance",
            w * eps_c + (1 - w) * eps_n,
            (1 + w) * eps_c - w * eps_n,
            "their $w$ is our $1 + w$; 1 is no guidance",
        ),
    )


# Unevaluated, so that a formula is printed in the order in which a person writes it.
with sp.evaluate(False):
    ROWS: tuple[Row, ...] = _rows()


def evaluate(row: Row) -> tuple[float, float]:
    """The value of both sides of a row, each from its own definitions.

    Raises ``KeyError`` if a formula uses a symbol that its side does not define.
    """

    def value(expression: sp.Expr, symbols: Values) -> float:
        numbers = {symbol: symbols[symbol](row.at) for symbol in expression.free_symbols}
        return float(expression.subs(numbers))

    return value(row.theirs, PAPERS[row.paper].symbols), value(row.ours, OURS)
