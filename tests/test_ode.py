"""The chapter ``ode`` against closed forms and public solvers."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import torch
from scipy.integrate import RK45, solve_ivp
from torch import Tensor, nn

from genbook import ddim, ode
from genbook.denoiser import Denoiser
from genbook.gaussians import GaussianMixture
from genbook.ode import methods
from genbook.paths import VE, VP, Path, Straight, SubVP
from genbook.sampling import Step, last
from genbook.sampling import states as walk
from genbook.schedules import NoiseSchedule

DOUBLE = torch.float64
MIXTURE = GaussianMixture(
    torch.tensor([0.3, 0.7], dtype=DOUBLE),
    torch.tensor([[-1.0, 0.5], [1.0, -0.3]], dtype=DOUBLE),
    torch.tensor([[[0.09, 0.0], [0.0, 0.09]], [[0.2, 0.05], [0.05, 0.1]]], dtype=DOUBLE),
)
X = torch.randn(32, 2, dtype=DOUBLE, generator=torch.Generator().manual_seed(0))
PATH, CHAIN = VP(), NoiseSchedule.linear(1000)
MODEL = MIXTURE.model(PATH)


def score(x: Tensor, t: float) -> Tensor:
    return MIXTURE.at(*PATH.rates(t)).score(x)


FIELD = ode.probability_flow(PATH, score)


def order(errors: list[float], counts: list[int]) -> float:
    """The slope with which errors fall."""
    return -float(np.polyfit(np.log(counts), np.log(errors), 1)[0])


def apart(x: Tensor, y: Tensor) -> float:
    return (x - y).square().mean().sqrt().item()


# The flow


@pytest.mark.parametrize("path", [VP(), SubVP(), VE(0.05, 10.0)])
def test_the_flow_is_the_velocity_of_the_path(path: Any) -> None:
    """f − ½ g² score is a' E[x_0 | x_t] + b' E[eps | x_t]: two ways to one field."""
    flow = ode.probability_flow(path, lambda x, t: MIXTURE.at(*path.rates(t)).score(x))
    velocity = Denoiser(MIXTURE.model(path), path)
    for t in (0.05, 0.4, 0.97):
        torch.testing.assert_close(flow(X, t), velocity(X, t).velocity, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("path", [VP(), SubVP(), VE(0.05, 10.0)])
def test_both_clocks_lead_to_the_same_state(path: Any) -> None:
    flow = ode.probability_flow(path, lambda x, t: MIXTURE.at(*path.rates(t)).score(x))
    start = path.prior_std * X
    in_time = ode.solve(flow, start, 1.0, 0.2, rtol=1e-10, atol=1e-10)
    (a, _), low, top = path.rates(0.2), ode.ratio(path, 0.2), ode.ratio(path, 1.0)
    flow = ode.noise_flow(Denoiser(MIXTURE.model(path), path))
    scaled = start / path.rates(1.0)[0]
    in_ratio = a * ode.solve(flow, scaled, top, low, rtol=1e-11, atol=1e-11)
    told = ode.decode(MIXTURE.model(path), path, start, start=0.2, rtol=1e-10, atol=1e-10)
    torch.testing.assert_close(in_time, told, rtol=1e-7, atol=1e-7)
    torch.testing.assert_close(in_time, in_ratio, rtol=1e-6, atol=1e-6)


def test_the_flow_keeps_the_marginals() -> None:
    """Noised data, carried down by the flow, have the law of less noised data."""
    generator = torch.Generator().manual_seed(3)
    x = MIXTURE.at(*PATH.rates(0.8)).sample(20_000, generator)
    ends = ode.solve(FIELD, x, 0.8, 0.2, rtol=1e-4, atol=1e-4)
    there = MIXTURE.at(*PATH.rates(0.2))
    error = ends.std(0) / math.sqrt(len(ends))
    assert ((ends.mean(0) - there.mean).abs() < 4.5 * error).all()
    torch.testing.assert_close(ends.T.cov(), there.covariance, rtol=0, atol=0.03)
    upper = (ends[:, 0] > 0).double().mean().item()
    exact = there.sample(400_000, generator)[:, 0].gt(0).double().mean().item()
    assert abs(upper - exact) < 4.5 * math.sqrt(0.25 / len(ends))


# The methods


@pytest.mark.parametrize(
    ("method", "expected", "counts"),
    [
        ("euler", 1, [80, 160, 320]),
        ("heun", 2, [40, 80, 160]),
        ("rk4", 4, [20, 40, 80]),
        ("dopri5", 5, [20, 40, 80]),
    ],
)
def test_orders_on_the_exact_score(method: Any, expected: int, counts: list[int]) -> None:
    exact = ode.solve(FIELD, X, 0.8, 0.2, "dopri5", 1000)
    errors = [apart(ode.solve(FIELD, X, 0.8, 0.2, method, n), exact) for n in counts]
    assert order(errors, counts) == pytest.approx(expected, abs=0.15)


@pytest.mark.parametrize(
    ("method", "theirs"), [("euler", "euler"), ("heun", "heun2"), ("rk4", "rk4")]
)
def test_fixed_steps_are_torchdiffeqs(method: Any, theirs: str) -> None:
    odeint = pytest.importorskip("torchdiffeq").odeint
    grid = [1.0, 0.9, 0.65, 0.4, 0.3, 0.1]
    ours = ode.solve(FIELD, X, 1.0, 0.1, method, grid)
    if theirs == "rk4":  # their "rk4" is the 3/8 rule; the classical one stands beside it
        from torchdiffeq._impl.fixed_grid import RK4
        from torchdiffeq._impl.rk_common import rk4_step_func

        y = X
        for t, s in pairwise(grid):
            time, h = torch.tensor(t, dtype=DOUBLE), torch.tensor(s - t, dtype=DOUBLE)
            y = y + rk4_step_func(
                lambda t, x, perturb=None: FIELD(x, t.item()), time, h, time + h, y
            )
        assert RK4.order == 4
    else:
        y = odeint(
            lambda t, x: FIELD(x, t.item()), X, torch.tensor(grid, dtype=DOUBLE), method=theirs
        )[-1]
    torch.testing.assert_close(ours, y, rtol=1e-6, atol=1e-6)


def test_the_tableau_is_scipys() -> None:
    """Dormand and Prince's numbers, to the last digit."""
    assert np.allclose(methods.NODES[:-1], RK45.C, rtol=1e-15)
    for ours, theirs in zip(methods.STAGES[:-1], RK45.A, strict=True):
        assert np.allclose(ours, theirs[: len(ours)], rtol=1e-14)
    assert np.allclose(methods.STAGES[-1], RK45.B, rtol=1e-14)
    assert np.allclose(np.negative(methods.ERROR), RK45.E, rtol=1e-14)
    assert np.allclose(methods.BETWEEN, RK45.P, rtol=1e-14)


def test_adaptive_states_are_scipys_at_the_times_asked_for() -> None:
    asked = [0.9, 0.77, 0.5, 0.1]
    ours = ode.solve(FIELD, X, 1.0, 0.1, rtol=1e-9, atol=1e-9, at=asked)
    theirs = solve_ivp(
        lambda t, y: FIELD(torch.from_numpy(y).reshape(X.shape), t).flatten().numpy(),
        (1.0, 0.1),
        X.flatten().numpy(),
        t_eval=asked,
        rtol=1e-9,
        atol=1e-9,
    )
    expected = torch.from_numpy(theirs.y.T.copy()).reshape(ours.shape)
    torch.testing.assert_close(ours, expected, rtol=1e-6, atol=1e-6)


def test_adaptive_states_are_torchdiffeqs_at_the_times_asked_for() -> None:
    odeint = pytest.importorskip("torchdiffeq").odeint
    times = torch.tensor([1.0, 0.9, 0.77, 0.5, 0.1], dtype=DOUBLE)
    theirs = odeint(
        lambda t, x: FIELD(x, min(1.0, max(0.0, t.item()))),
        X,
        times,
        rtol=1e-9,
        atol=1e-9,
        method="dopri5",
    )
    ours = ode.solve(FIELD, X, 1.0, 0.1, rtol=1e-9, atol=1e-9, at=times[1:].tolist())
    torch.testing.assert_close(ours, theirs[1:], rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("tolerance", [1e-5, 1e-7])
def test_no_more_calls_than_torchdiffeq_for_the_same_error(tolerance: float) -> None:
    odeint = pytest.importorskip("torchdiffeq").odeint
    exact = ode.solve(FIELD, X, 1.0, 0.1, rtol=1e-13, atol=1e-13)
    ours = ode.integrate(FIELD, X, 1.0, 0.1, rtol=tolerance, atol=tolerance)
    calls = 0

    def counted(t: Tensor, x: Tensor) -> Tensor:
        nonlocal calls
        calls += 1
        return FIELD(x, min(1.0, max(0.0, t.item())))

    times = torch.tensor([1.0, 0.1], dtype=DOUBLE)
    theirs = odeint(counted, X, times, rtol=tolerance, atol=tolerance, method="dopri5")[-1]
    assert ours.calls <= calls
    assert apart(ours.states, exact) <= 1.1 * apart(theirs, exact)


@pytest.mark.parametrize(("t0", "t1"), [(1.0, 0.1), (0.1, 1.0)])
def test_a_smaller_tolerance_gives_a_smaller_error(t0: float, t1: float) -> None:
    exact = ode.solve(FIELD, X, t0, t1, rtol=1e-13, atol=1e-13)
    errors = [apart(ode.solve(FIELD, X, t0, t1, rtol=r, atol=r), exact) for r in (1e-4, 1e-6, 1e-8)]
    assert errors[0] > 10 * errors[1] > 100 * errors[2]
    assert errors[2] < 1e-7


def test_what_was_solved_down_is_solved_up_again() -> None:
    down = ode.solve(FIELD, X, 1.0, 0.05, rtol=1e-10, atol=1e-10)
    torch.testing.assert_close(
        ode.solve(FIELD, down, 0.05, 1.0, rtol=1e-10, atol=1e-10), X, rtol=1e-6, atol=1e-6
    )


# What goes wrong names its time


def test_a_nan_names_the_time() -> None:
    def broken(x: Tensor, t: float) -> Tensor:
        return x if t > 0.4 else x * math.nan

    with pytest.raises(ode.SolverError, match=r"t = 0\.4") as found:
        ode.solve(broken, X, 1.0, 0.0)
    assert found.value.time == pytest.approx(0.4, abs=1e-6)
    with pytest.raises(ode.SolverError, match=r"infinite at t = 0\.4$"):
        ode.solve(broken, X, 1.0, 0.0, "euler", [1.0, 0.5, 0.4, 0.1, 0.0])
    with pytest.raises(ode.SolverError, match=r"infinite at t = 0\.3$"):
        ode.solve(broken, X, 0.3, 0.0)


def test_a_nan_in_the_first_guess_does_not_stop_the_solve() -> None:
    """Where the field is small the first guess is the whole way, and NaN may lie there."""

    def small(x: Tensor, t: float) -> Tensor:
        return x * (1e-9 if t > 0.3 else math.nan)

    with pytest.raises(ode.SolverError) as found:
        ode.solve(small, X, 1.0, 0.0)
    assert found.value.time == pytest.approx(0.3, abs=1e-6)
    assert ode.solve(small, X, 1.0, 0.31).isfinite().all()


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_is_solved_in_single(dtype: torch.dtype) -> None:
    x = torch.tensor([[1.0], [-2.0]], dtype=dtype)
    found = ode.solve(lambda x, t: -x, x, 0.0, 1.0)
    assert found.dtype == dtype
    torch.testing.assert_close(found.double(), x.double() / math.e, rtol=1e-2, atol=0)


def test_a_field_of_another_shape_is_refused() -> None:
    for steps in (None, 2):
        with pytest.raises(ValueError, match="x and slope must have one shape"):
            ode.solve(lambda x, t: x[:1], X, 1.0, 0.0, steps=steps)


def test_the_norm_may_be_that_of_the_worst_sample() -> None:
    """One fast sample among slow ones: the mean over the batch hardly sees it."""
    speeds = torch.ones(200, 1, dtype=DOUBLE)
    speeds[0] = 40.0

    def turn(x: Tensor, t: float) -> Tensor:
        return speeds * torch.stack([-x[:, 1], x[:, 0]], 1)

    x = torch.tensor([[1.0, 0.0]], dtype=DOUBLE).repeat(200, 1)
    exact = torch.cat([speeds.cos(), speeds.sin()], 1)
    worst = lambda error: error.square().mean(1).sqrt().amax().item()  # noqa: E731
    one, all_of_them = (
        worst(ode.solve(turn, x, 0.0, 1.0, rtol=1e-5, atol=1e-6, norm=norm) - exact)
        for norm in (worst, lambda error: error.square().mean().sqrt().item())
    )
    assert one < 3e-4
    assert all_of_them > 5 * one


def test_an_explosion_names_the_time() -> None:
    """dx/dt = x² from 1 is 1 / (1 − t): it ends at t = 1."""
    one = torch.ones(1, 1, dtype=DOUBLE)
    with pytest.raises(ode.SolverError) as found:
        ode.solve(lambda x, t: x * x, one, 0.0, 2.0)
    assert found.value.time == pytest.approx(1, abs=1e-4)
    with pytest.raises(ode.SolverError, match="NaN or infinite"):
        ode.solve(lambda x, t: x**3 * 1e8, one, 0.0, 2.0, "heun", 20)


def test_a_step_that_underflows_backward_in_time_says_so() -> None:
    """dx/dt = 1/(t − ½)² has no solution through ½, from either side."""

    def pole(x: Tensor, t: float) -> Tensor:
        return x * 0 + 1 / (t - 0.5) ** 2 if t != 0.5 else x * math.inf

    for t0, t1 in ((1.0, 0.0), (0.0, 1.0)):
        with pytest.raises(
            ode.SolverError, match=r"too small to change the time|not enough"
        ) as found:
            ode.solve(pole, X, t0, t1, limit=3000)
        assert found.value.time == pytest.approx(0.5, abs=1e-3)


def test_a_stiff_field_meets_the_limit() -> None:
    with pytest.raises(
        ode.SolverError, match=r"50 steps were not enough: stopped at t = 0\."
    ) as found:
        ode.solve(lambda x, t: -1e5 * (x - math.cos(t)), X, 0.0, 1.0, limit=50)
    assert 0 < found.value.time < 1


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"steps": [1.0, 0.5, 0.6, 0.1]}, "descend strictly from 1.0 to 0.1, got 0.5 before 0.6"),
        ({"steps": [1.0, 0.5]}, "go from 1.0 to 0.1"),
        ({"at": [0.5, 0.5]}, "descend strictly"),
        ({"at": [1.2]}, "between 1.0 and 0.1, got 1.2"),
        ({"at": []}, "must not be empty"),
        ({"steps": 0}, "at least 1"),
        ({"method": "heun"}, "does not choose its steps"),
        ({"method": "leapfrog", "steps": 3}, "unknown method 'leapfrog'"),
        ({"rtol": 0.0}, "must be positive"),
        ({"atol": math.inf}, "must be positive and finite"),
        ({"t1": 1.0}, "two different finite times"),
        ({"steps": 3, "at": [0.5]}, "are on the grid: 0.5"),
    ],
)
def test_wrong_arguments_are_named(changes: dict[str, Any], words: str) -> None:
    given = {"x": X, "t0": 1.0, "t1": 0.1} | changes
    with pytest.raises(ValueError, match=words.replace("(", r"\(")):
        ode.solve(FIELD, **given)


def test_a_time_outside_the_path_is_named() -> None:
    with pytest.raises(ValueError, match=r"0\.\.1, got 1\.2"):
        ode.solve(FIELD, X, 1.2, 0.0, "euler", 3)
    with pytest.raises(ValueError, match=r"infinite at t = 1\.0"):
        ode.ratio(Straight(), 1.0)
    with pytest.raises(ValueError, match="at most"):
        ode.time_of(PATH, 1e6)


def test_a_network_that_explodes_names_the_step() -> None:
    def wild(x: Tensor, t: Tensor, cond: Any = None) -> Tensor:
        return x * (1e9 if t[0] < 0.5 else 0.0)

    with pytest.raises(ValueError, match=r"exploded, to .* in the step from t = 0\.\d+ to 0\.\d+"):
        ode.sample(wild, PATH, X.shape, 10, xT=X, spacing="linear")


def test_a_network_that_answers_nan_names_its_time() -> None:
    def silent(x: Tensor, t: Tensor, cond: Any = None) -> Tensor:
        return x * (math.nan if t[0] < 0.5 else 0.0)

    for step in (ode.euler, ode.heun, ode.rk4, ode.exponential, ode.Multistep()):
        with pytest.raises(ValueError, match=r"NaN or infinite in the step from t = 0\.[45]"):
            ode.sample(silent, PATH, X.shape, 10, xT=X, step=step, spacing="linear")
    for call in (ode.encode, ode.log_likelihood):
        with pytest.raises(ode.SolverError, match=r"infinite at t = 0\.2$") as found:
            call(silent, PATH, X, start=0.2)
        assert found.value.time == 0.2
    with pytest.raises(ode.SolverError) as found:
        ode.decode(silent, PATH, X)
    assert found.value.time == pytest.approx(0.5, abs=1e-3)


def test_codes_of_a_time_outside_the_path_are_refused() -> None:
    for start in (-0.1, 1.3):
        for call in (ode.encode, ode.decode, ode.log_likelihood):
            with pytest.raises(ValueError, match=rf"0\.\.1, got {start}"):
                call(MODEL, PATH, X, start=start)
    with pytest.raises(ValueError, match="descend"):
        ode.sample(MODEL, PATH, X.shape, 3, xT=X, times=[1.0, 0.3, 0.6, 0.0])


# The samplers

SAMPLERS: dict[str, tuple[Any, int]] = {
    "euler": (lambda: ode.euler, 1),
    "heun": (lambda: ode.heun, 2),
    "rk4": (lambda: ode.rk4, 4),
    "exponential": (lambda: ode.exponential, 2),
    "2M": (ode.Multistep, 2),
    "ddim": (lambda: ddim.jump, 1),
}


@pytest.mark.parametrize("name", SAMPLERS)
@pytest.mark.parametrize("path", [VP(), SubVP(), VE(0.01, 30.0)])
def test_orders_of_the_samplers(name: str, path: Any) -> None:
    make, expected = SAMPLERS[name]
    model, start = MIXTURE.model(path), path.prior_std * X
    low, top = ode.time_of(path, 0.2), ode.ratio(path, path.end)
    exact = ode.decode(model, path, start, start=low, rtol=1e-11, atol=1e-11)
    errors, counts = [], [32, 64, 128]
    for n in counts:
        sigmas = [top ** (1 / 7) + (0.2 ** (1 / 7) - top ** (1 / 7)) * i / n for i in range(n + 1)]
        times = [path.end, *(ode.time_of(path, u**7) for u in sigmas[1:-1]), low]
        errors.append(apart(last(walk(make(), Denoiser(model, path), start, times)), exact))
    found = order(errors, counts)
    assert found > expected - 0.35, errors
    assert errors[-1] < 0.05


@pytest.mark.parametrize("name", SAMPLERS)
@pytest.mark.parametrize("prediction", ["eps", "x0", "v", "score"])
def test_any_prediction_gives_the_same_samples(name: str, prediction: Any) -> None:
    make, _ = SAMPLERS[name]
    told = MIXTURE.model(PATH, prediction)
    times = [1.0, 0.7, 0.4, 0.1, 0.0]
    ours = ode.sample(told, PATH, X.shape, 4, xT=X, step=make(), times=times, prediction=prediction)
    same = ode.sample(MODEL, PATH, X.shape, 4, xT=X, step=make(), times=times)
    torch.testing.assert_close(ours, same, rtol=1e-8, atol=1e-8)


def test_ddim_is_the_exact_linear_part() -> None:
    """With one and the same prediction throughout, the two-stage step is DDIM's."""
    for t, s in ((1000, 900), (400, 399), (30, 0)):
        eps = torch.randn(X.shape, dtype=DOUBLE, generator=torch.Generator().manual_seed(t))
        x0 = (X - CHAIN.b(t) * eps) / CHAIN.a(t)
        stays = Denoiser(lambda x, time, cond, x0=x0: x0, CHAIN, "x0")
        jumped = ddim.step(CHAIN, X, eps, t, s)
        for step in (ode.exponential, ode.Multistep()):
            torch.testing.assert_close(step(stays, X, t, s), jumped, rtol=1e-11, atol=1e-11)
    # And the variation of constants itself, in time: ∫ of the linear part is the factor a_s / a_t.
    told = torch.tensor([[0.4, -1.1]], dtype=DOUBLE)
    constant = ode.probability_flow(PATH, lambda x, t: -told / PATH.rates(t)[1])
    solved = ode.solve(constant, X[:1], 0.9, 0.3, rtol=1e-12, atol=1e-12)
    jumped = ddim.step(PATH, X[:1], told, 0.9, 0.3)
    torch.testing.assert_close(solved, jumped, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("path", [VP(), SubVP(), VE(0.01, 30.0)])
def test_the_exponential_step_is_the_integral_of_a_line(path: Any) -> None:
    """However long the step: the data go from D_t to D_s, and b_s ∫ e^ℓ D dℓ is added."""
    t, s = 0.8, 0.3
    first, second = torch.randn(
        2, *X.shape, dtype=DOUBLE, generator=torch.Generator().manual_seed(7)
    )
    told = iter([first, second])
    found = ode.exponential(Denoiser(lambda x, t, cond: next(told), path, "x0"), X, t, s)
    ends = [-math.log(ode.ratio(path, u)) for u in (t, s)]
    nodes, weights = np.polynomial.legendre.leggauss(60)
    total = torch.zeros_like(X)
    for node, weight in zip(nodes, weights, strict=True):
        share = (node + 1) / 2
        level = ends[0] + share * (ends[1] - ends[0])
        line = first + share * (second - first)
        total += weight / 2 * (ends[1] - ends[0]) * math.exp(level) * line
    b_t, b_s = (float(path.rates(u)[1]) for u in (t, s))
    torch.testing.assert_close(found, b_s / b_t * X + b_s * total, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("steps", [5, 10, 20])
def test_2m_and_heun_are_diffusers(steps: int) -> None:
    diffusers = pytest.importorskip("diffusers")
    model = MIXTURE.model(CHAIN)
    exact = [ode.ratio(CHAIN, t) for t in CHAIN.times(steps)]

    peer: Any = diffusers.DPMSolverMultistepScheduler(
        1000, algorithm_type="dpmsolver++", timestep_spacing="trailing", final_sigmas_type="zero"
    )
    peer.set_timesteps(steps)
    peer.sigmas = torch.tensor(exact, dtype=DOUBLE)  # theirs are float32
    y = X.clone()
    for t in peer.timesteps.tolist():
        y = peer.step(model(y, t + 1), t, y).prev_sample
    ours = ode.dpm_solver_pp(model, CHAIN, X.shape, steps, xT=X, spacing="linear")
    torch.testing.assert_close(ours, y, rtol=1e-6, atol=1e-6)

    heun: Any = diffusers.HeunDiscreteScheduler(
        1000, beta_start=1e-4, beta_end=0.02, timestep_spacing="trailing"
    )
    heun.set_timesteps(steps)
    doubled = [exact[0], *(s for s in exact[1:-1] for _ in range(2)), 0.0]
    heun.sigmas = torch.tensor(doubled, dtype=DOUBLE)
    y = X / CHAIN.a(1000)
    for t in heun.timesteps:
        told = model(heun.scale_model_input(y, t), int(t) + 1)
        y = heun.step(told, t, y).prev_sample
    ours = ode.sample(model, CHAIN, X.shape, steps, xT=X, spacing="linear", step=ode.heun)
    torch.testing.assert_close(ours, y, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize(
    ("peer", "make", "options"),
    [
        ("EDMEulerScheduler", lambda: ddim.jump, {}),
        (
            "EDMDPMSolverMultistepScheduler",
            ode.Multistep,
            {"final_sigmas_type": "zero", "lower_order_final": False},
        ),
    ],
)
@pytest.mark.parametrize("steps", [6, 12])
def test_the_samplers_are_edms(peer: str, make: Any, options: Any, steps: int) -> None:
    """On the path without fading, with the network asked between EDM's scales."""
    diffusers = pytest.importorskip("diffusers")
    path, scheduler = VE(0.001, 100.0), getattr(diffusers, peer)(sigma_data=0.5, **options)
    scheduler.set_timesteps(steps)
    times = ode.edm_times(path, steps, sigma_max=80.0)
    sigmas = torch.tensor([ode.ratio(path, t) for t in times], dtype=DOUBLE)
    assert np.allclose(scheduler.sigmas.numpy(), sigmas.numpy(), rtol=1e-5)
    scheduler.sigmas = sigmas  # theirs are float32
    start, model = 80.0 * X, MIXTURE.model(path)
    y, denoiser = start.clone(), Denoiser(model, path)
    scheduler.is_scale_input_called = True  # the scale is in what follows
    for t, sigma, asked in zip(times, sigmas, scheduler.timesteps, strict=False):
        scales = ode.preconditioning(sigma, 0.5)
        told = (denoiser(y, t).x0 - scales.skip * y) / scales.out
        y = scheduler.step(told, asked, y).prev_sample
    ours = ode.sample(model, path, X.shape, steps, xT=start, step=make(), times=times)
    torch.testing.assert_close(ours, y, rtol=1e-6, atol=1e-6)


def test_the_grid_and_the_preconditioning_are_edms() -> None:
    diffusers = pytest.importorskip("diffusers")
    peer: Any = diffusers.EDMEulerScheduler(sigma_min=0.002, sigma_max=80.0, sigma_data=0.5)
    peer.set_timesteps(10)
    path = VE(0.001, 100.0)
    sigmas = [ode.ratio(path, t) for t in ode.edm_times(path, 10, sigma_max=80.0)]
    assert np.allclose(sigmas, peer.sigmas.numpy(), rtol=1e-5)

    class Seen(nn.Module):
        def forward(self, x: Tensor, t: Tensor, cond: Any = None) -> Tensor:
            self.seen = x, t
            return torch.sin(3 * x)

    network = Seen()
    t = ode.time_of(path, 3.7)
    x, sigma = X.float(), torch.tensor(3.7)
    ours = Denoiser(ode.Preconditioned(network, path, 0.5), path, "x0")(x, t).x0
    put_in = peer.precondition_inputs(x, sigma)
    torch.testing.assert_close(network.seen[0], put_in, rtol=1e-5, atol=1e-6)
    assert network.seen[1].tolist() == pytest.approx(
        [peer.precondition_noise(sigma).item()] * 32, rel=1e-4
    )
    theirs = peer.precondition_outputs(x, torch.sin(3 * put_in), sigma)
    torch.testing.assert_close(ours, theirs, rtol=1e-5, atol=1e-6)


def test_grids_descend_to_the_data_on_every_path() -> None:
    for path in (VP(), SubVP(), VE(0.001, 100.0), CHAIN):
        for grid in (ode.edm_times, ode.log_snr_times):
            for steps in (1, 2, 7, 50):
                times = grid(path, steps)
                assert len(times) == steps + 1
                assert times == path.visited(times)
                assert times[0] == path.end and times[-1] == 0
    assert ode.edm_times(CHAIN, 1000) == list(range(1000, -1, -1))
    with pytest.raises(ValueError, match="rho must be positive"):
        ode.edm_times(PATH, 5, rho=0)
    for path in (PATH, CHAIN):
        assert ode.edm_times(path, 5, rho=math.inf) == ode.log_snr_times(path, 5)
        for sigma in (math.nan, math.inf):
            with pytest.raises(ValueError, match="must be finite"):
                ode.time_of(path, sigma)
        with pytest.raises(ValueError, match="b / a is at most"):
            ode.time_of(path, 1e9)
    with pytest.raises(ValueError, match="at most 1000"):
        ode.edm_times(CHAIN, 1001)
    with pytest.raises(TypeError, match="no flow between its times"):
        ode.encode(MIXTURE.model(CHAIN), CHAIN, X)
    with pytest.raises(ValueError, match="positive and finite"):
        ode.preconditioning(torch.tensor(math.inf), 0.5)
    with pytest.raises(ValueError, match="unknown spacing 'karras'"):
        ode.sample(MODEL, PATH, X.shape, 5, xT=X, spacing="karras")


def test_a_run_does_not_remember_the_run_before() -> None:
    step: Step = ode.Multistep()
    times = [1.0, 0.6, 0.3, 0.0]
    first = last(walk(step, Denoiser(MODEL, PATH), X, times))
    again = last(walk(step, Denoiser(MODEL, PATH), X, times))
    assert torch.equal(first, again)


def test_rk4_refuses_a_chain() -> None:
    with pytest.raises(TypeError, match="no time in the middle"):
        ode.sample(MIXTURE.model(CHAIN), CHAIN, X.shape, 4, xT=X, step=ode.rk4)


# Preconditioning


def test_what_goes_in_and_what_is_asked_for_have_variance_one() -> None:
    generator = torch.Generator().manual_seed(5)
    data, noise = torch.randn(2, 200_000, generator=generator, dtype=DOUBLE)
    for sigma in (0.05, 0.5, 4.0):
        scales = ode.preconditioning(torch.tensor(sigma, dtype=DOUBLE), 0.5)
        noised = 0.5 * data + sigma * noise
        asked = (0.5 * data - scales.skip * noised) / scales.out
        assert (scales.into * noised).var().item() == pytest.approx(1, abs=0.02)
        assert asked.var().item() == pytest.approx(1, abs=0.02)
        for other in (0.9, 1.1):  # no other share of the input leaves less to be said
            assert (0.5 * data - other * scales.skip * noised).var() > scales.out**2 * 0.99


# Likelihood and codes


def prior_of(path: Path) -> Any:
    return MIXTURE.at(*path.rates(path.end)).log_prob


@pytest.mark.parametrize("path", [VP(), SubVP(), VE(0.05, 30.0)])
def test_the_log_likelihood_of_a_mixture_is_exact(path: Any) -> None:
    there = MIXTURE.at(*path.rates(1e-3))
    x = there.sample(24, torch.Generator().manual_seed(1))
    found = ode.log_likelihood(
        MIXTURE.model(path), path, x, prior=prior_of(path), rtol=1e-6, atol=1e-6
    )
    torch.testing.assert_close(found, there.log_prob(x), rtol=0, atol=1e-4)


def test_the_tolerance_bounds_what_it_changes() -> None:
    """As the docstring of ``log_likelihood`` says."""
    x = MIXTURE.sample(64, torch.Generator().manual_seed(1))
    tolerances = (1e-3, 1e-4, 1e-5, 1e-6, 1e-7)
    found = [
        ode.log_likelihood(MODEL, PATH, x, prior=prior_of(PATH), rtol=r, atol=r) for r in tolerances
    ]
    for tolerance, loose, tight in zip(tolerances, found, found[1:], strict=False):
        assert (loose - tight).abs().max() < 100 * tolerance


def test_the_density_of_a_noised_state() -> None:
    """With the sampler's own prior, which is nearly the right one."""
    x = MIXTURE.at(*PATH.rates(0.3)).sample(24, torch.Generator().manual_seed(2))
    found = ode.log_likelihood(MODEL, PATH, x, start=0.3)
    torch.testing.assert_close(found, MIXTURE.at(*PATH.rates(0.3)).log_prob(x), rtol=0, atol=0.05)


def test_hutchinson_estimates_the_exact_trace() -> None:
    x = MIXTURE.sample(6, torch.Generator().manual_seed(1))
    exact = ode.log_likelihood(MODEL, PATH, x)
    generator = torch.Generator().manual_seed(0)
    draws = torch.stack(
        [
            ode.log_likelihood(MODEL, PATH, x, trace="hutchinson", generator=generator)
            for _ in range(40)
        ]
    )
    error = draws.std(0) / math.sqrt(len(draws))
    assert ((draws.mean(0) - exact).abs() < 4.5 * error + 1e-3).all()
    assert draws.std(0).max() > 1e-3  # it is an estimate
    # In one dimension the signs square to one: nothing is left to chance.
    line = GaussianMixture(
        *(
            part[:1]
            for part in (
                torch.ones(1, dtype=DOUBLE),
                MIXTURE.means[:, :1],
                MIXTURE.covariances[:, :1, :1],
            )
        )
    )
    one = line.sample(5, torch.Generator().manual_seed(1))
    both = [
        ode.log_likelihood(line.model(PATH), PATH, one, trace=t) for t in ("exact", "hutchinson")
    ]
    torch.testing.assert_close(*both, rtol=1e-6, atol=1e-6)


def test_a_linear_field_multiplies_the_volume() -> None:
    matrix = torch.tensor([[0.3, -1.0], [0.5, 0.4]], dtype=DOUBLE)
    end, integral = ode.change_of_variables(
        lambda x, t: x @ matrix.T, X, 0.0, 1.5, rtol=1e-9, atol=1e-9
    )
    torch.testing.assert_close(end, X @ torch.matrix_exp(1.5 * matrix).T, rtol=1e-6, atol=1e-6)
    torch.testing.assert_close(integral, torch.full((32,), 1.5 * 0.7, dtype=DOUBLE))


@pytest.mark.parametrize("size", [1, 64, 784])
def test_the_integral_is_held_to_the_tolerance_whatever_the_dimension(size: int) -> None:
    """x stays 0, and the divergence is size · 3 cos 40 t."""
    x = torch.zeros(2, size, dtype=DOUBLE)
    _, integral = ode.change_of_variables(
        lambda x, t: 3 * math.cos(40 * t) * x, x, 0.0, 1.0, rtol=1e-4, atol=1e-4, trace="hutchinson"
    )
    exact = size * 3 * math.sin(40) / 40
    assert (integral - exact).abs().max() < 2 * (1e-4 + 1e-4 * abs(exact))
    with pytest.raises(ValueError, match="at t1 alone"):
        ode.change_of_variables(lambda x, t: x, x, 0.0, 1.0, at=[0.5])
    with pytest.raises(ValueError, match="probes must be at least 1"):
        ode.change_of_variables(lambda x, t: x, x, 0.0, 1.0, trace="hutchinson", probes=0)


def test_a_field_without_a_derivative_is_refused() -> None:
    with pytest.raises(ValueError, match="no derivative by x"):
        ode.change_of_variables(lambda x, t: FIELD(x, t).detach(), X, 1.0, 0.5)


def test_a_code_is_decoded_to_its_image() -> None:
    x = MIXTURE.sample(16, torch.Generator().manual_seed(4))
    code = ode.encode(MODEL, PATH, x, rtol=1e-9, atol=1e-9)
    back = ode.decode(MODEL, PATH, code, rtol=1e-9, atol=1e-9)
    torch.testing.assert_close(back, x, rtol=1e-5, atol=1e-5)
    assert not torch.allclose(code, x, atol=0.1)


@pytest.mark.parametrize("method", ["euler", "heun", "rk4", "dopri5"])
def test_one_step_of_a_field_without_x_is_a_quadrature(method: Any) -> None:
    """Where f does not see x a method is a rule for integrals: of which degree is it exact?"""
    degree = {"euler": 0, "heun": 1, "rk4": 3, "dopri5": 4}[method]
    one = torch.zeros(1, 1, dtype=DOUBLE)
    for power in range(degree + 2):
        found = ode.solve(lambda x, t, p=power: x * 0 + t**p, one, 0.0, 1.0, method, 1).item()
        exact = found == pytest.approx(1 / (power + 1), rel=1e-12)
        assert exact == (power <= degree)
