"""The chapter ``sde`` against closed forms, exact marginals and public schedulers; with faults."""

from __future__ import annotations

import math
from functools import partial
from itertools import pairwise
from typing import get_args

import numpy as np
import pytest
import torch
from diffusers import ScoreSdeVeScheduler
from diffusers.schedulers.deprecated.scheduling_sde_vp import ScoreSdeVpScheduler
from scipy.integrate import solve_ivp
from scipy.stats import kstest

from genbook import ddim, ddpm, paths, sampling, sde
from genbook.denoiser import Denoiser
from genbook.gaussians import GaussianMixture
from genbook.paths.base import ContinuousPath
from genbook.schedules import NoiseSchedule

F64 = torch.float64
PREDICTIONS = get_args(paths.Prediction)
PATHS = {"VP": sde.VPSDE(), "VE": sde.VESDE(0.01, 20.0), "sub-VP": sde.SubVPSDE()}
STEPS = {
    "Euler–Maruyama": sde.euler_maruyama,
    "Euler–Maruyama, eta 0": partial(sde.euler_maruyama, eta=0.0),
    "Euler–Maruyama, eta 0.5": partial(sde.euler_maruyama, eta=0.5),
    "Euler–Maruyama, eta 1.4": partial(sde.euler_maruyama, eta=1.4),
    "reverse diffusion": sde.reverse_diffusion,
    "predictor–corrector": partial(sde.predictor_corrector, snr=0.1),
    "ancestral and a corrector": partial(
        sde.predictor_corrector, predictor=ddpm.ancestral, snr=0.1
    ),
}
EACH_PATH = pytest.mark.parametrize("path", PATHS.values(), ids=PATHS)
EACH_STEP = pytest.mark.parametrize("step", STEPS.values(), ids=STEPS)
STOCHASTIC = {name: step for name, step in STEPS.items() if not name.endswith("eta 0")}
EVERYWHERE = ("Euler–Maruyama", "reverse diffusion")


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def normal(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=seeded(seed), dtype=F64)


def bells(*centres: float, std: float = 0.5) -> GaussianMixture:
    """Equal bells on a line."""
    n = len(centres)
    weights, means = torch.full((n,), 1 / n, dtype=F64), torch.tensor(centres, dtype=F64)
    return GaussianMixture(weights, means[:, None], std**2 * torch.ones(n, 1, 1, dtype=F64))


TWO = bells(-0.6, 0.6)


def run(step, path, mixture=TWO, steps=6, n=5, seed=0, prediction="eps", times=None, x=None):
    dice = seeded(seed)
    if x is None:
        x = path.prior_std * torch.randn(n, 1, generator=dice, dtype=F64)
    model = mixture.model(path, prediction)
    options = {"step": step, "prediction": prediction, "times": times, "xT": x}
    return sde.sample(model, path, x.shape, steps, generator=dice, **options)


# The process of a path ---------------------------------------------------------------------------


@EACH_PATH
def test_the_closed_forms_are_those_of_the_rates(path):
    t = torch.linspace(0.01, 1, 60, dtype=F64)
    for closed, general in zip(path._process(t), ContinuousPath._process(path, t), strict=True):
        torch.testing.assert_close(closed, general, rtol=1e-9, atol=1e-12)


@EACH_PATH
def test_the_moments_obey_their_equations(path):
    """a' = f a and (b²)' = 2 f b² + g², by differences of the rates; also very near the data."""
    h = 1e-6
    for t in (1e-4, 0.03, 0.5, 0.99):
        f, g = path.process(t)
        (a, b), (a0, b0), (a1, b1) = path.rates(t), path.rates(t - h), path.rates(t + h)
        assert math.isclose((a1 - a0) / (2 * h), f * a, rel_tol=1e-6, abs_tol=1e-9)
        assert math.isclose((b1**2 - b0**2) / (2 * h), 2 * f * b**2 + g**2, rel_tol=1e-5)


@EACH_PATH
def test_a_process_answers_for_numbers_and_batches(path):
    x, t = normal(3, 2), torch.tensor([0.1, 0.4, 0.9], dtype=F64)
    f, g = path.process(t, x)
    assert f.shape == g.shape == (3, 1)
    torch.testing.assert_close(path.drift(x, t), f * x)
    torch.testing.assert_close(path.diffusion(t, x), g)
    assert path.process(0.4) == pytest.approx((f[1].item(), g[1].item()))
    assert path.marginal(0.4) == path.rates(0.4)
    assert all(math.isfinite(number) for number in path.process(0.0))


def test_a_straight_path_has_a_process_up_to_its_end():
    f, g = paths.Straight().process(0.5)
    assert (f, g) == pytest.approx((-2.0, 2**0.5))  # −1 / (1 − t), 2 t / (1 − t)
    with pytest.raises(ValueError, match=r"Straight\(\) is infinite: t = 1"):
        paths.Straight().process(1.0)


def test_a_path_that_loses_noise_has_no_process():
    class Fading(paths.VP):
        def _process(self, t):
            return t * 0, 1 - 2 * t

    with pytest.raises(ValueError, match=r"noise of Fading.* falls at t = 0\.75"):
        Fading().process(0.75)


@EACH_PATH
@pytest.mark.parametrize("eta", [1.0, 0.5, 0.0])
def test_the_forward_steps_have_the_marginals(path, eta):
    """From noised data up to t = 1, with every η: a new row of the family, not only the process."""
    first, n = 0.05, 20_000
    dice, (a, b) = seeded(3), path.rates(first)
    x = a * TWO.sample(n, dice) + b * torch.randn(n, 1, generator=dice, dtype=F64)
    denoiser = Denoiser(TWO.model(path), path)
    times = [first + (0.9 - first) * i / 300 for i in range(301)]
    move = partial(sde.forward, eta=eta)
    end = sampling.last(sampling.states(move, denoiser, x, times, None, dice, upwards=True))
    exact = TWO.at(*path.rates(0.9))
    # The probability of a distance like Euler's own error, some 1/300, is above the level.
    assert kstest(end[:, 0], lambda v: exact.cdf(torch.as_tensor(v)).numpy()).statistic < 0.02


# Public schedulers -------------------------------------------------------------------------------


def test_reverse_diffusion_and_langevin_are_diffusers_ve():
    """Its σ_i run from σ_min to σ_max; a step's noise and pull are those of their differences."""
    path = sde.VESDE(0.01, 50.0)
    x, score = normal(4, 1, 3, 3).float(), normal(4, 1, 3, 3, seed=1).float()
    peer = ScoreSdeVeScheduler(num_train_timesteps=40, sigma_min=0.01, sigma_max=50.0, snr=0.15)
    peer.set_timesteps(40)
    peer.set_sigmas(40)
    said = Denoiser(lambda *_: score, path, "score")
    for i in (3, 20, 39):
        t, s = (
            min(1.0, math.log(float(peer.discrete_sigmas[k]) / 0.01) / math.log(5000))
            for k in (i, i - 1)
        )
        theirs = peer.step_pred(
            score, torch.tensor((i + 0.01) / 39), x, generator=seeded(i)
        ).prev_sample
        ours = sde.reverse_diffusion(said, x, t, s, None, seeded(i))
        torch.testing.assert_close(ours, theirs, rtol=1e-5, atol=1e-4)
    # The corrector measures its size; ours is told one, that which it measured.
    noise = torch.randn(x.shape, generator=seeded(7))
    size = 0.15 * (noise.flatten(1).norm(dim=1).mean() / score.flatten(1).norm(dim=1).mean()).item()
    theirs = peer.step_correct(score, x, generator=seeded(7)).prev_sample
    ours = sde.langevin(said, x, 0.5, None, seeded(7), snr=size / path.rates(0.5)[1])
    torch.testing.assert_close(ours, theirs, rtol=1e-5, atol=1e-5)


def test_the_corrector_has_the_measured_size_where_the_data_are_a_point():
    path, dice = sde.VESDE(0.01, 50.0), seeded()
    point = bells(0.0, std=1e-3)
    b = path.rates(0.6)[1]
    x = b * torch.randn(50_000, 1, generator=dice, dtype=F64)
    score, noise = point.at(1.0, b).score(x), torch.randn(x.shape, generator=dice, dtype=F64)
    measured = 0.16 * (noise.norm() / score.norm()).item()
    assert measured == pytest.approx(0.16 * b, rel=0.02)


def test_euler_maruyama_is_diffusers_vp():
    path, x, eps = sde.VPSDE(0.1, 20.0), normal(4, 2).float(), normal(4, 2, seed=1).float()
    peer = ScoreSdeVpScheduler(num_train_timesteps=25, beta_min=0.1, beta_max=20)
    peer.set_timesteps(25)
    for t in (0.9, 0.44):
        b = path.rates(t)[1]
        dice = seeded(5)
        # It wants eps, divides it by −b itself, and takes steps of 1/25.
        mine = sde.euler_maruyama(Denoiser(lambda *_: eps, path), x, t, t - 1 / 25, None, dice)
        theirs, mean = peer.step_pred(eps, x, torch.tensor(t), generator=seeded(5))
        torch.testing.assert_close(mine, theirs, rtol=1e-4, atol=1e-4)
        assert not torch.allclose(mean, theirs)
        assert b > 0


def test_the_flow_is_that_of_a_public_solver():
    path, start = PATHS["VP"], normal(6, 1)
    denoiser = Denoiser(TWO.model(path), path)

    def flow(t, x):
        state = torch.from_numpy(x)[:, None]
        f, g = path.process(t)
        return (f * state - g**2 / 2 * denoiser(state, t).score)[:, 0].numpy()

    solved = solve_ivp(flow, (1.0, 1e-4), start[:, 0].numpy(), rtol=1e-9, atol=1e-10).y[:, -1]
    errors = [
        np.abs(
            run(partial(sde.euler_maruyama, eta=0.0), path, steps=n, x=start)[:, 0].numpy() - solved
        )
        for n in (200, 400)
    ]
    assert errors[1].max() < 0.02
    assert 1.6 < (errors[0].mean() / errors[1].mean()) < 2.4  # order one


# The steps ---------------------------------------------------------------------------------------


@EACH_PATH
@EACH_STEP
@pytest.mark.parametrize("prediction", PREDICTIONS)
def test_all_predictions_take_the_same_steps(step, path, prediction):
    found = run(step, path, prediction=prediction)
    torch.testing.assert_close(found, run(step, path), rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("chain", [NoiseSchedule.linear(1000), NoiseSchedule.cosine(1000)])
def test_reverse_diffusion_walks_a_chain_too(chain):
    x = run(sde.reverse_diffusion, chain, steps=250, n=4000)
    assert kstest(x[:, 0], lambda v: TWO.cdf(torch.as_tensor(v)).numpy()).pvalue > 1e-3


def accepted(step, path, steps=500, seeds=20, n=1500):
    """How far the mean of log p is from what it should be, in standard errors: of each run, of all.

    A crowd that is too wide has a lower mean, one that is too narrow a higher one. The times are
    denser near the data.
    """
    line = torch.linspace(-6, 6, 8001, dtype=F64)[:, None]
    log_p = TWO.log_prob(line)
    weight = log_p.exp() / log_p.exp().sum()
    mean = (weight * log_p).sum()
    error = (weight * (log_p - mean) ** 2).sum().sqrt() / n**0.5
    times = [(i / steps) ** 2 for i in range(steps, -1, -1)]
    each = []
    for seed in range(seeds):
        x = run(step, path, steps=steps, n=n, seed=seed, times=times)
        each.append(((TWO.log_prob(x).mean() - mean) / error).item())
    return each, sum(each) / seeds**0.5


@pytest.mark.slow
@pytest.mark.parametrize(
    ("step", "path"),
    [(name, path) for path in PATHS for name in STOCHASTIC if path == "VP" or name in EVERYWHERE],
)
def test_every_stochastic_sampler_has_the_exact_marginals_over_twenty_seeds(step, path):
    """On VP all of them, on the others two.

    Every run, and all 30 000 particles together, within 4.5 standard errors.

    The power: with g off by 5 % the whole is 7.7 to 16 standard errors away (the next test measures
    at least 6.5), so such a sampler is rejected with a probability above 0.99.
    """
    each, together = accepted(STOCHASTIC[step], PATHS[path])
    assert max(map(abs, each)) < 4.5
    assert abs(together) < 4.5


def off(noise=1.0, both=1.0):
    """Euler–Maruyama whose g is wrong by a factor, in the noise or everywhere."""

    def step(denoiser, x, t, s, cond, generator):
        (f, g), h = denoiser.path.process(t), t - s
        x = x - h * (f * x - (both * g) ** 2 * denoiser(x, t, cond).score)
        return x + noise * both * g * math.sqrt(h) * sampling.randn_like(x, generator)

    return step


@pytest.mark.slow
@pytest.mark.parametrize(
    ("fault", "path"),
    [
        ({"noise": 1.05}, "VP"),
        ({"noise": 0.95}, "VE"),
        ({"both": 1.05}, "VP"),
        ({"both": 1.05}, "VE"),
    ],
)
def test_five_per_cent_of_g_are_seen(fault, path):
    assert abs(accepted(off(**fault), PATHS[path])[1]) > 6.5


def test_the_reverse_process_has_the_law_of_whole_paths():
    """Corr(x_s, x_t) = ρ^{η²} on a Gaussian; ρ is the forward process's."""
    path, bell, n, (s, t) = PATHS["VP"], bells(0.0), 20_000, (0.15, 0.4)
    deviations = [math.hypot(path.rates(i)[0] * 0.5, path.rates(i)[1]) for i in (s, t)]
    rho = path.transition(t, s)[0] * deviations[0] / deviations[1]
    for eta in (0.0, 0.6, 1.0, 1.5):
        step = partial(sde.euler_maruyama, eta=eta)
        walked = sde.states(
            bell.model(path), path, (n, 1), 800, step=step, xT=normal(n, 1), generator=seeded(9)
        )
        held = {time: x[:, 0] for time, x in walked if time in (s, t)}
        found = torch.corrcoef(torch.stack([held[s], held[t]]))[0, 1].item()
        assert found == pytest.approx(rho ** (eta**2), abs=4 * (1 - rho**2) / n**0.5 + 0.004)


def test_the_dial_is_that_of_ddim():
    """In small steps DDIM's jump and the family's step agree to the first power of the step."""
    path, x = PATHS["VP"], normal(5, 1)
    denoiser = Denoiser(TWO.model(path), path)
    for eta in (0.0, 0.4, 1.0):
        gaps = []
        for h in (1e-3, 1e-4):
            one = sde.euler_maruyama(denoiser, x, 0.4, 0.4 - h, None, seeded(), eta=eta)
            other = ddim.jump(denoiser, x, 0.4, 0.4 - h, None, seeded(), eta=eta)
            gaps.append((one - other).abs().max().item())
        assert gaps[0] < 0.01 and gaps[1] < gaps[0] / 20  # like h^(3/2) or h²


def test_no_noise_in_the_step_to_the_data():
    path, x = PATHS["VP"], normal(5, 1)
    denoiser = Denoiser(TWO.model(path), path)
    for step in (sde.euler_maruyama, sde.reverse_diffusion, sde.predictor_corrector):
        one, other = (step(denoiser, x, 0.01, 0.0, None, seeded(seed)) for seed in (1, 2))
        assert torch.equal(one, other)


def test_langevin_keeps_the_law_and_annealed_langevin_reaches_it():
    path, dice = PATHS["VE"], seeded(4)
    denoiser = Denoiser(TWO.model(path), path)
    b = path.rates(0.3)[1]
    law = TWO.at(1.0, b)
    x = law.sample(20_000, dice)
    for _ in range(20):
        x = sde.langevin(denoiser, x, 0.3, None, dice, snr=0.1)
    assert kstest(x[:, 0], lambda v: law.cdf(torch.as_tensor(v)).numpy()).statistic < 0.02
    step = partial(sde.annealed_langevin, moves=8, snr=0.3)
    x = run(step, path, steps=25, n=4000)
    assert kstest(x[:, 0], lambda v: TWO.cdf(torch.as_tensor(v)).numpy()).statistic < 0.05


# The loss and the network ------------------------------------------------------------------------


@EACH_PATH
def test_the_loss_of_the_exact_score_is_what_cannot_be_learned(path):
    """E ‖b s + eps‖² = 1 − E ‖E[eps | x_t]‖², which is known by sampling; the same for all five."""
    x0 = TWO.sample(4000, seeded())
    losses = {
        kind: sde.loss(TWO.model(path, kind), path, x0, generator=seeded(1), prediction=kind).item()
        for kind in PREDICTIONS
    }
    assert max(losses.values()) - min(losses.values()) < 1e-6
    for wrong in (0.9, 1.1):
        exact = TWO.model(path)
        scaled = sde.loss(lambda *a, m=exact, w=wrong: w * m(*a), path, x0, generator=seeded(1))
        assert scaled > losses["eps"]


def test_the_loss_is_ddpms_at_its_own_times():
    path, x0, seen = PATHS["VP"], normal(64, 3), []

    def network(x, t, cond):
        seen.append((x, t))
        return torch.zeros_like(x)

    found = sde.loss(network, path, x0, generator=seeded(2), first=0.2)
    ((x, t),) = seen
    eps = (x - path.rates(t, x)[0] * x0) / path.rates(t, x)[1]
    torch.testing.assert_close(found, eps.square().mean())
    assert 0.2 <= t.min() < 0.25 and 0.95 < t.max() <= 1
    with pytest.raises(ValueError, match="first must lie between 0 and 1, got 0"):
        sde.loss(network, path, x0, first=0.0)
    with pytest.raises(ValueError, match="x0 must be finite"):
        sde.loss(network, path, x0 * math.nan)


@EACH_PATH
def test_a_network_of_a_chain_says_the_same_noise_on_any_path(path):
    """A chain's perfect network that understands times between two integers, as networks do."""
    chain, x = NoiseSchedule.linear(1000), normal(3, 1)
    table = chain.log_snr(torch.arange(1, 1001)).numpy()

    def network(x, t, cond=None):
        log_snr = torch.from_numpy(np.interp(t.numpy(), np.arange(1, 1001), table))
        return TWO.eps(x, log_snr.sigmoid().sqrt(), (-log_snr).sigmoid().sqrt())

    asked, exact = sde.on_path(network, chain, path), TWO.model(path)
    for when in (0.1, torch.tensor([0.05, 0.4, 0.98], dtype=F64)):
        scaled = x * path.rates(when, x)[1]
        times = path.network_time(scaled, when)
        torch.testing.assert_close(asked(scaled, times), exact(scaled, times), rtol=2e-4, atol=2e-4)


def test_a_network_of_a_chain_is_asked_within_it():
    chain, times = NoiseSchedule.linear(100, 1e-3, 0.2), []

    def network(x, t, cond=None):
        times.append(t)
        return x

    asked = sde.on_path(network, chain, sde.VESDE(1e-4, 1e4))
    asked(normal(2, 1), torch.tensor([1e-9, 1.0]))
    assert times[0].tolist() == [1.0, 100.0]


# What cannot work --------------------------------------------------------------------------------


def test_the_states_go_from_the_first_to_the_sample():
    path, x = PATHS["VP"], normal(4, 1)
    given = {"xT": x, "step": partial(sde.euler_maruyama, eta=0.0)}
    walked = list(sde.states(TWO.model(path), path, x.shape, 4, **given))
    assert [t for t, _ in walked] == [1.0, 0.75, 0.5, 0.25, 0.0]
    assert torch.equal(walked[0][1], x)
    assert torch.equal(walked[-1][1], sde.sample(TWO.model(path), path, x.shape, 4, **given))


def test_a_prior_as_wide_as_the_noise_is_drawn():
    path = PATHS["VE"]
    model = TWO.to(torch.float32).model(path)
    ((_, x), *_) = sde.states(model, path, (4000, 1), 2, generator=seeded())
    assert x.std().item() == pytest.approx(20.0, rel=0.05)


def going_wrong(at, value):
    """The exact network, but at the times up to ``at`` it says ``value``."""

    def network(x, t, cond=None):
        said = TWO.model(PATHS["VP"])(x, t)
        return said if t[0] > at else torch.full_like(x, value)

    return network


@pytest.mark.parametrize(
    ("value", "words"),
    [(math.nan, "became NaN or infinite"), (math.inf, "became NaN"), (1e9, "exploded, to")],
)
def test_a_state_that_breaks_names_its_time(value, words):
    with pytest.raises(ValueError, match=rf"{words}.* in the step from t = 0\.5 to 0\.4"):
        sde.sample(going_wrong(0.55, value), PATHS["VP"], (3, 1), 10, xT=normal(3, 1))
    broken = normal(3, 1) * math.nan
    with pytest.raises(ValueError, match="became NaN or infinite at t = 1"):
        sde.sample(TWO.model(PATHS["VP"]), PATHS["VP"], (3, 1), 10, xT=broken)


@pytest.mark.parametrize(
    ("times", "words"),
    [
        ([1.0, 0.4, 0.6, 0.0], "descend strictly"),
        ([1.0, 0.4, 0.4, 0.0], "descend strictly"),
        ([1.2, 0.4, 0.2, 0.0], r"lie in 0\.\.1, got 1\.2"),
        ([1.0, 0.4, 0.2, -0.1], r"lie in 0\.\.1, got -0\.1"),
        ([1.0, math.nan, 0.2, 0.0], "got nan"),
        ([1.0, 0.5, 0.0], "3 steps need 4 times, got 3"),
        ([1.0, 0.4, 0.2, 0.1], "end at 0, with x_0; these end at 0.1"),
    ],
)
def test_times_that_do_not_lead_down_are_refused(times, words):
    with pytest.raises(ValueError, match=words):
        sde.sample(TWO.model(PATHS["VP"]), PATHS["VP"], (2, 1), 3, times=times)


def test_what_cannot_work_is_said():
    chain, x = NoiseSchedule.linear(100), normal(2, 1)
    on_chain, on_path = (Denoiser(TWO.model(p), p) for p in (chain, PATHS["VP"]))
    with pytest.raises(TypeError, match="is a chain: it has no drift"):
        sde.euler_maruyama(on_chain, x, 5, 4)
    for step in (sde.euler_maruyama, sde.reverse_diffusion):
        with pytest.raises(ValueError, match="eta must be at least 0"):
            step(on_path, x, 0.5, 0.4, eta=-0.1)
    with pytest.raises(ValueError, match="snr must not be negative, and finite"):
        sde.langevin(on_path, x, 0.5, snr=-1.0)
    with pytest.raises(ValueError, match="score is infinite where b = 0"):
        sde.langevin(on_path, x, 0.0)
    with pytest.raises(ValueError, match="steps must be at least 1"):
        sde.sample(TWO.model(PATHS["VP"]), PATHS["VP"], (2, 1), 0)


ALL_STEPS = [
    sde.euler_maruyama,
    partial(sde.euler_maruyama, eta=0.0),
    sde.reverse_diffusion,
    sde.predictor_corrector,
    sde.annealed_langevin,
]


@pytest.mark.parametrize("step", ALL_STEPS)
@pytest.mark.parametrize(
    ("t", "s", "words"),
    [
        (0.5, 0.7, "s must be below t"),
        (0.5, 0.5, "s must be below t"),
        (0.5, -0.2, r"lie in 0\.\.1, got -0\.2"),
        (1.5, 0.2, r"lie in 0\.\.1, got 1\.5"),
        (0.5, math.nan, "got nan"),
        (torch.tensor([0.5, 0.6]), 0.2, "times must be numbers"),
        (0.5, torch.tensor([0.1, 0.2]), "times must be numbers"),
    ],
)
def test_a_step_with_times_that_do_not_lead_down_is_refused(step, t, s, words):
    denoiser = Denoiser(TWO.model(PATHS["VP"]), PATHS["VP"])
    with pytest.raises((TypeError, ValueError), match=words):
        step(denoiser, normal(2, 1), t, s, None, seeded())


def test_a_step_up_leads_up():
    denoiser = Denoiser(TWO.model(PATHS["VP"]), PATHS["VP"])
    for s, t in ((0.9, 0.5), (0.9, 1.5), (torch.tensor([0.1, 0.2]), 0.5)):
        for eta in (0.0, 1.0):
            with pytest.raises((TypeError, ValueError), match=r"times must|must be below"):
                sde.forward(denoiser, normal(2, 1), s, t, eta=eta)


def test_odd_options_of_the_steps_are_refused():
    path, x = PATHS["VP"], normal(2, 1)
    denoiser = Denoiser(TWO.model(path), path)
    for odd in (math.inf, math.nan, -0.1):
        with pytest.raises(ValueError, match="snr must not be negative, and finite"):
            sde.langevin(denoiser, x, 0.5, snr=odd)
    with pytest.raises(TypeError, match="times must be numbers"):
        sde.langevin(denoiser, x, torch.tensor([0.5, 0.6]))
    with pytest.raises(ValueError, match="moves must not be negative, got -1"):
        sde.predictor_corrector(denoiser, x, 0.5, 0.4, moves=-1)
    with pytest.raises(TypeError, match=r"moves must be an integer, got 1\.5"):
        sde.predictor_corrector(denoiser, x, 0.5, 0.0, moves=1.5)
    for step in (sde.euler_maruyama, sde.forward):
        times = (0.5, 0.4) if step is sde.euler_maruyama else (0.4, 0.5)
        for shape in ((1,), (3, 2, 1)):
            with pytest.raises(ValueError, match="x and noise must have one shape"):
                step(denoiser, x, *times, noise=normal(*shape))
    straight = Denoiser(TWO.model(paths.Straight(), "x0"), paths.Straight(), "x0")
    with pytest.raises(ValueError, match="nothing of the data is left at t = 1"):
        sde.annealed_langevin(straight, x, 1.0, 0.5)


def test_a_move_widens_noise_by_what_is_said():
    """The variance that x ← x + δ s + √(2δ) z keeps, with s = −x / b²: b² / (1 − snr²)."""
    path, dice = PATHS["VE"], seeded(6)
    point = bells(0.0, std=1e-6)
    denoiser, b = Denoiser(point.model(path), path), path.rates(0.6)[1]
    x = b * torch.randn(40_000, 1, generator=dice, dtype=F64)
    for _ in range(40):
        x = sde.langevin(denoiser, x, 0.6, None, dice, snr=0.5)
    assert x.var().item() == pytest.approx(b**2 / (1 - 0.5**2), rel=0.03)


def test_noise_that_is_given_is_the_noise_that_is_added():
    path, x, z = PATHS["VP"], normal(4, 2), normal(4, 2, seed=3)
    denoiser = Denoiser(lambda x, t, c=None: 0 * x, path)
    (f, g), h = path.process(0.5), 0.1
    down = sde.euler_maruyama(denoiser, x, 0.5, 0.4, eta=0.5, noise=z)
    torch.testing.assert_close(down, x - h * f * x + 0.5 * g * math.sqrt(h) * z)
    up = sde.forward(denoiser, x, 0.5, 0.6, eta=0.5, noise=z)
    torch.testing.assert_close(up, x + h * f * x + 0.5 * g * math.sqrt(h) * z)


def test_each_step_asks_the_network_as_often_as_it_says():
    path, asked = PATHS["VP"], []

    def network(x, t, cond=None):
        asked.append(t)
        return x

    denoiser = Denoiser(network, path)
    for step, calls in [
        (sde.euler_maruyama, 1),
        (sde.reverse_diffusion, 1),
        (partial(sde.predictor_corrector, moves=3), 4),
        (partial(sde.annealed_langevin, moves=3), 3),
    ]:
        asked.clear()
        step(denoiser, normal(2, 1), 0.5, 0.4, None, seeded())
        assert len(asked) == calls
    walk = pairwise(path.times(3))
    assert all(t > s for t, s in walk)
