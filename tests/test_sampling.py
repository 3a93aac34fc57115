"""Every step on every path with every prediction, against the exact mixture; and what is refused.

A new sampler is a new row of ``STEPS``, a new path one of ``PATHS``: the tests below then hold for
it. What cannot work (a network that predicts the noise where nothing of the data is left) must say
so.
"""

from __future__ import annotations

from functools import partial
from typing import get_args

import numpy as np
import pytest
import torch
from scipy.stats import kstest

from genbook import ddim, ddpm, ode, paths, sampling, sde
from genbook.denoiser import Denoiser, clipped, thresholded
from genbook.schedules import NoiseSchedule

F64 = torch.float64
PREDICTIONS = get_args(paths.Prediction)
STEPS = {
    "ddim, eta 0": partial(ddim.jump, eta=0.0),
    "ddim, eta 0.5": partial(ddim.jump, eta=0.5),
    "ddim, eta 1": partial(ddim.jump, eta=1.0),
    "ancestral, posterior": partial(ddpm.ancestral, variance="posterior"),
    "ancestral, beta": partial(ddpm.ancestral, variance="beta"),
    "Euler in t": ode.euler,
    "Heun": ode.heun,
    "exponential": ode.exponential,
    "2M": ode.Multistep(),
}
# These ask for the score, which eps determines on every path.
BY_SCORE = {
    "reverse diffusion, eta 0": partial(sde.reverse_diffusion, eta=0.0),
    "reverse diffusion, eta 1": sde.reverse_diffusion,
}
# These ask for f and g, too.
BY_PROCESS = {
    "Euler–Maruyama, eta 0": partial(sde.euler_maruyama, eta=0.0),
    "Euler–Maruyama, eta 1": sde.euler_maruyama,
}
STEPS |= BY_SCORE | BY_PROCESS
PATHS = {
    "linear": NoiseSchedule.linear(1000),
    "scaled linear": NoiseSchedule.scaled_linear(1000, end=0.02),
    "cosine": NoiseSchedule.cosine(1000),
    "zero terminal SNR": NoiseSchedule.linear(1000).rescaled_zero_terminal_snr(),
    "VP": paths.VP(),
    "sub-VP": paths.SubVP(),
    "VE": paths.VE(0.01, 20.0),
    "straight": paths.Straight(),
}
# Where a_T = 0 the noise says nothing about the data.
BLIND = {(path, said) for path in ("zero terminal SNR", "straight") for said in ("eps", "score")}
# (Almost) nothing of the data is left at the end of these, so that the first step's factor
# 2 − a_t / a_s is about 2, however short it is. Noise makes the crowd forget that. Without it,
# reverse diffusion arrives elsewhere.
ASTRAY = {
    ("reverse diffusion, eta 0", path) for path in ("cosine", "zero terminal SNR", "straight")
}


def refusal(step, path, prediction="x0"):
    """Why a step cannot walk a path with a prediction: an error and what it says, or None."""
    if step in BY_PROCESS and isinstance(PATHS[path], NoiseSchedule):
        return TypeError, "is a chain: it has no drift and no diffusion"
    if step in BY_PROCESS and path == "straight":
        return ValueError, "the drift or the diffusion of .* is infinite"
    if step not in BY_SCORE and (path, prediction) in BLIND:
        return ValueError, "eps does not determine x_0 where a_t = 0"
    return None


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def start(path, n, seed=0):
    return path.prior_std * torch.randn(n, 1, generator=seeded(seed), dtype=F64)


def run(step, path, mixture, prediction="x0", steps=6, n=5, seed=0, upwards=False, x=None):
    """The states of a sampler with the perfect network."""
    denoiser = Denoiser(mixture.model(path, prediction), path, prediction)
    times = path.times(steps)[:: -1 if upwards else 1]
    x = start(path, n, seed) if x is None else x
    walk = sampling.states(step, denoiser, x, times, None, seeded(seed + 1), upwards=upwards)
    return torch.stack([state for _, state in walk])


# The table ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("prediction", PREDICTIONS)
@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("step", STEPS)
def test_all_predictions_take_the_same_steps(step, path, prediction, mixture):
    if refused := refusal(step, path, prediction):
        with pytest.raises(refused[0], match=refused[1]):
            run(STEPS[step], PATHS[path], mixture, prediction)
        return
    states = run(STEPS[step], PATHS[path], mixture, prediction)
    torch.testing.assert_close(states, run(STEPS[step], PATHS[path], mixture), rtol=1e-7, atol=1e-7)
    assert states.isfinite().all()


@pytest.mark.parametrize("prediction", PREDICTIONS)
@pytest.mark.parametrize("path", PATHS)
def test_all_predictions_rise_to_the_same_code(path, prediction, mixture):
    """Upwards nothing is divided by a_T, so even the noise of the last time is enough."""
    x0 = mixture.sample(5, seeded())
    states = run(ddim.rise, PATHS[path], mixture, prediction, upwards=True, x=x0)
    expected = run(ddim.rise, PATHS[path], mixture, upwards=True, x=x0)
    torch.testing.assert_close(states, expected, rtol=1e-7, atol=1e-7)


def p_value(step, path, mixture, steps=200, n=1_500):
    return kstest(run(step, path, mixture, steps=steps, n=n)[-1, :, 0], _cdf(mixture)).pvalue


def _cdf(mixture):
    return lambda x: mixture.cdf(torch.as_tensor(x)).numpy()


@pytest.mark.parametrize(
    ("step", "path"),
    [(step, path) for step in STEPS for path in PATHS if not refusal(step, path)],
)
def test_every_sampler_draws_from_the_mixture(step, path, mixture):
    assert (p_value(STEPS[step], PATHS[path], mixture) > 1e-3) == ((step, path) not in ASTRAY)


def faulty(signal=lambda a_t, a_s: a_s, direction=lambda b, σ: max(b**2 - σ**2, 0) ** 0.5, root=1):
    """DDIM's step at η = 1 with one mistake in it."""

    def step(denoiser, x, t, s, cond, generator):
        path, guess = denoiser.path, denoiser(x, t, cond)
        (a_t, _), (a_s, b_s) = path.rates(t), path.rates(s)
        σ = ddim.sigma(path, t, s)
        noise = sampling.randn_like(x, generator)
        return signal(a_t, a_s) * guess.x0 + direction(b_s, σ) * guess.eps + σ**root * noise

    return step


FAULTS = {
    "t for s in the signal": faulty(signal=lambda a_t, a_s: a_t),
    "direction without sigma": faulty(direction=lambda b, σ: b),
    "sigma for sigma squared": faulty(direction=lambda b, σ: max(b**2 - σ, 0) ** 0.5),
    "variance for standard deviation": faulty(root=2),
}


def test_the_faultless_step_is_ddim(mixture):
    for path in PATHS.values():
        ours = run(STEPS["ddim, eta 1"], path, mixture)
        torch.testing.assert_close(run(faulty(), path, mixture), ours, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("path", ["linear", "VP", "sub-VP", "straight"])
@pytest.mark.parametrize("fault", FAULTS)
def test_faulty_steps_are_seen(fault, path, mixture):
    if path in ("linear", "VP") and fault == "t for s in the signal":
        # A step of 1/200 of such a path keeps all but 3 % of the data: the fault needs long steps.
        assert p_value(FAULTS[fault], PATHS[path], mixture, steps=30) < 1e-3
        return
    assert p_value(FAULTS[fault], PATHS[path], mixture) < 1e-3


# Paths -------------------------------------------------------------------------------------------

CONTINUOUS = {name: path for name, path in PATHS.items() if not isinstance(path, NoiseSchedule)}


@pytest.mark.parametrize("path", CONTINUOUS)
def test_slopes_are_those_of_the_rates(path):
    path = CONTINUOUS[path]
    t = torch.linspace(0.02, 0.99, 50, dtype=F64)
    h = 1e-5
    for now, later, slope in zip(
        path.rates(t - h), path.rates(t + h), path.derivatives(t), strict=True
    ):
        torch.testing.assert_close((later - now) / (2 * h), slope, rtol=1e-5, atol=1e-6)


def test_slopes_of_a_chain_are_those_of_its_last_step():
    """b' is along the circle a² + b² = 1: exact for the tangent, near for the chord."""
    schedule = NoiseSchedule.cosine(4000)
    for t in (3, 500, 2000, 3900):
        da, db = schedule.derivatives(t)
        (a, b), (a_before, b_before) = schedule.rates(t), schedule.rates(t - 1)
        assert da == a - a_before and abs(a * da + b * db) < 1e-15
        assert db == pytest.approx(b - b_before, rel=0.2 if t == 3 else 0.01)
    several = schedule.derivatives(torch.tensor([3, 500]), torch.zeros(2, 1, dtype=F64))
    assert several[0].shape == (2, 1) and several[0][1].item() == schedule.derivatives(500)[0]
    with pytest.raises(ValueError, match="no slope at t = 0"):
        schedule.derivatives(0)
    with pytest.raises(ValueError, match="no slope at t = 0"):
        schedule.derivatives(torch.tensor([3, 0]))


def test_the_rates_of_the_papers():
    vp, ve, sub = paths.VP(), paths.VE(0.01, 50.0), paths.SubVP()
    assert vp.rates(0.0) == (1.0, 0.0) and vp.rates(1.0)[0] == pytest.approx(np.exp(-5.025))
    for t in (0.1, 0.7):
        a, b = vp.rates(t)
        assert a**2 + b**2 == pytest.approx(1) and sub.rates(t)[1] == pytest.approx(b**2)
        # d log a / dt = −β/2, and the variance grows by β: Song et al. (2021), equation 11.
        da, db = vp.derivatives(t)
        assert da / a == pytest.approx(-(0.1 + t * 19.9) / 2)
        assert 2 * b * db - 2 * da / a * b**2 == pytest.approx(0.1 + t * 19.9)
        assert ve.rates(t)[1] ** 2 + 0.01**2 == pytest.approx((0.01 * 5000**t) ** 2)
    assert paths.Straight().rates(0.25) == (0.75, 0.25)
    assert ve.prior_std == pytest.approx(50.0, rel=1e-6) and vp.prior_std == 1


@pytest.mark.parametrize("path", PATHS)
def test_two_transitions_are_one(path):
    """From x_r to x_s to x_t and from x_r to x_t: the same factor, the same noise."""
    path = PATHS[path]
    r, s, t = path.times(10)[7], path.times(10)[4], path.times(10)[1]
    (first, β1), (second, β2) = path.transition(s, r), path.transition(t, s)
    both, β = path.transition(t, r)
    assert both == pytest.approx(first * second)
    assert pytest.approx(β2 + second**2 * β1) == β
    times = torch.tensor([t, s], dtype=F64 if path in CONTINUOUS.values() else torch.int64)
    before = torch.full_like(times, r)
    kept, variance = path.transition(times, before, torch.zeros(2, 3, 1, dtype=F64))
    assert kept.shape == variance.shape == (2, 1, 1)
    assert kept.flatten().tolist() == pytest.approx([both, first])
    assert variance.flatten().tolist() == pytest.approx([β, β1])
    with pytest.raises(ValueError, match="s must be below t"):
        path.transition(s, s)


@pytest.mark.parametrize("path", CONTINUOUS)
def test_numbers_and_tensors_of_t_agree(path):
    path = CONTINUOUS[path]
    t = torch.tensor([0.1, 0.5, 0.9], dtype=F64)
    x = torch.zeros(3, 2, 4)
    for answer in (path.rates, path.derivatives):
        for i, column in enumerate(answer(t, x)):
            assert column.shape == (3, 1, 1) and column.dtype == x.dtype
            expected = [answer(float(time))[i] for time in t]
            assert column.flatten().tolist() == pytest.approx(expected, rel=1e-6)


def test_stopping_at_one_keeps_the_noise_of_one():
    schedule = NoiseSchedule.scaled_linear(1000)
    noisy = schedule.stopping_at_one()
    assert noisy.rates(0) == noisy.rates(1) == schedule.rates(1)
    assert noisy.rates(2) == schedule.rates(2) and schedule.rates(0) == (1.0, 0.0)
    assert noisy.to("cpu").rates(0) == schedule.rates(1)
    x, eps = torch.randn(2, 3, 2, generator=seeded(), dtype=F64)
    torch.testing.assert_close(
        ddim.step(noisy, x, eps, 2, 0), ddim.step(schedule, x, eps, 2, 1), rtol=1e-12, atol=0
    )


# Clipping ----------------------------------------------------------------------------------------


def test_clipped_data_and_what_belongs_to_it(mixture):
    path = PATHS["linear"]
    x = torch.randn(64, 1, generator=seeded(), dtype=F64)
    plain = Denoiser(mixture.model(path), path)(x, 400)
    held = Denoiser(mixture.model(path), path, clip=clipped(-0.2, 0.1))(x, 400)
    as_said = Denoiser(mixture.model(path), path, clip=clipped(-0.2, 0.1), keep_eps=True)(x, 400)
    a, b = path.rates(400)
    assert plain.x0.min() < -0.2 and plain.x0.max() > 0.1
    assert torch.equal(held.x0, plain.x0.clamp(-0.2, 0.1)) and torch.equal(as_said.x0, held.x0)
    torch.testing.assert_close(a * held.x0 + b * held.eps, x, rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(held.v, a * held.eps - b * held.x0, rtol=1e-9, atol=1e-9)
    torch.testing.assert_close(held.score, -held.eps / b, rtol=1e-9, atol=1e-9)
    assert torch.equal(as_said.eps, plain.eps)


def test_dynamic_thresholding_by_hand():
    x0 = torch.tensor([[0.5, -4.0, 2.0, 1.0], [0.1, 0.2, -0.3, 0.4]])
    out = thresholded(1.0)(x0)
    assert torch.equal(out[0], x0[0] / 4) and torch.equal(out[1], x0[1])
    half = thresholded(2 / 3)(x0)  # of 0.5, 1, 2, 4: exactly 2
    torch.testing.assert_close(half[0], torch.tensor([0.25, -1.0, 1.0, 0.5]))
    assert torch.equal(thresholded(1.0, largest=1.0)(x0), clipped()(x0))
    assert thresholded()(x0.half()).dtype == torch.float16


@pytest.mark.parametrize("threshold", [1.0, 1.5])
@pytest.mark.parametrize("prediction", ["eps", "v"])
def test_thresholding_like_diffusers(threshold, prediction):
    from diffusers import DDIMScheduler

    names = {"eps": "epsilon", "v": "v_prediction"}
    peer = DDIMScheduler(
        1000, prediction_type=names[prediction], clip_sample=False, thresholding=True,
        dynamic_thresholding_ratio=0.9, sample_max_value=threshold,
    )  # fmt: skip
    peer.set_timesteps(10)
    x = xT = torch.randn(4, 3, 5, 5, generator=seeded())
    for t in peer.timesteps:
        x = peer.step(_dummy(x, t + 1), t, x).prev_sample
    times = [*(int(t) + 1 for t in peer.timesteps), 0]
    ours = ddim.sample(
        _dummy, NoiseSchedule.linear(1000), xT.shape, 10, timesteps=times, xT=xT,
        prediction=prediction, clip=thresholded(0.9, threshold), keep_eps=True,
    )  # fmt: skip
    torch.testing.assert_close(ours, x, rtol=1e-4, atol=1e-4)


# The numbers that diffusers publishes in its own tests -------------------------------------------
# tests/schedulers/test_scheduler_ddim.py and test_scheduler_ddpm.py: a made-up network, full loops.


def _dummy(x, t, cond=None):
    """The network of their tests; its t counts from zero."""
    t = torch.as_tensor(t).reshape(-1, *[1] * (x.ndim - 1)) - 1
    return x * t / (t + 1)


def _pictures(reverse=False):
    numbers = torch.arange(4 * 3 * 8 * 8)
    numbers = numbers.flip(-1) if reverse else numbers
    return (numbers.reshape(3, 8, 8, 4) / len(numbers)).permute(3, 0, 1, 2)


LEADING = [*range(901, 0, -100), 0]


@pytest.mark.parametrize(
    ("change", "options", "total", "mean"),
    [
        ({}, {}, 172.0067, 0.223967),
        ({}, {"prediction": "v"}, 52.5302, 0.0684),
        ({"start": 0.01}, {}, 149.8295, 0.1951),
        ({"start": 0.01, "stop": True}, {}, 149.0784, 0.1941),
    ],
    ids=["eps", "v", "alpha to one", "alpha not to one"],
)
def test_published_values_of_ddim(change, options, total, mean):
    schedule = NoiseSchedule.linear(1000, change.get("start", 1e-4))
    schedule = schedule.stopping_at_one() if change.get("stop") else schedule
    x = ddim.sample(
        _dummy, schedule, (4, 3, 8, 8), 10, timesteps=LEADING, xT=_pictures(),
        clip=clipped(), keep_eps=True, **options,
    )  # fmt: skip
    assert x.abs().sum().item() == pytest.approx(total, abs=1e-2)
    assert x.abs().mean().item() == pytest.approx(mean, abs=1e-3)


def test_published_values_of_ddim_from_noised_pictures():
    schedule = NoiseSchedule.linear(1000)
    xT = ddpm.q_sample(schedule, _pictures(), 101, _pictures(reverse=True))
    x = ddim.sample(
        _dummy, schedule, xT.shape, 2, timesteps=[101, 1, 0], xT=xT, clip=clipped(), keep_eps=True
    )
    assert x.abs().sum().item() == pytest.approx(354.5418, abs=1e-2)
    assert x.abs().mean().item() == pytest.approx(0.4616, abs=1e-3)


@pytest.mark.parametrize(
    ("t", "s", "variance"),
    [(421, 401, 0.14771), (981, 961, 0.32460), (488, 487, 0.00979), (1000, 999, 0.02), (1, 0, 0.0)],
)
def test_published_variances_of_ddim(t, s, variance):
    assert ddim.sigma(NoiseSchedule.linear(1000), t, s) ** 2 == pytest.approx(variance, abs=1e-5)


@pytest.mark.parametrize(
    ("prediction", "total", "mean"), [("eps", 258.9606, 0.3372), ("v", 202.0296, 0.2631)]
)
def test_published_values_of_ddpm(prediction, total, mean):
    x = ddpm.sample(
        _dummy, NoiseSchedule.linear(1000), (4, 3, 8, 8), generator=seeded(), xT=_pictures(),
        prediction=prediction, clip=clipped(),
    )  # fmt: skip
    assert x.abs().sum().item() == pytest.approx(total, abs=1e-2)
    assert x.abs().mean().item() == pytest.approx(mean, abs=1e-3)


@pytest.mark.parametrize(("t", "variance"), [(1, 0.0), (488, 0.00979), (1000, 0.02)])
def test_published_variances_of_ddpm(t, variance):
    zero = torch.zeros(1, dtype=F64)
    _, ours = ddpm.q_posterior(NoiseSchedule.linear(1000), zero, zero, t)
    assert ours.item() == pytest.approx(variance, abs=1e-5)


# Training on a path with nothing left of the data ------------------------------------------------


@pytest.mark.parametrize("prediction", ["x0", "v", "velocity", "mean", "eps", "score"])
def test_losses_at_zero_terminal_snr(prediction):
    """The target comes from x_0 and eps themselves, so nothing is divided by a_T = 0."""
    schedule = NoiseSchedule.linear(8).rescaled_zero_terminal_snr()
    x0 = torch.randn(64, 2, generator=seeded())
    loss = ddpm.loss(lambda x, t, c: 0 * x, schedule, x0, None, seeded(), prediction=prediction)
    assert loss.isfinite()


def test_a_network_of_means_says_the_same_on_a_sub_sequence(mixture):
    """Its mean belongs to the step to t − 1, but it knows x_0, and so every other step."""
    schedule = NoiseSchedule.linear(60, 1e-3, 0.2)
    data = mixture.model(schedule, "x0")

    def means(x, t, cond=None):
        return ddpm.q_posterior(schedule, data(x, t), x, t)[0]

    xT = start(schedule, 7)
    options = {"timesteps": [60, 40, 17, 3, 0], "xT": xT}
    ours = ddpm.sample(means, schedule, xT.shape, None, seeded(), prediction="mean", **options)
    other = ddpm.sample(data, schedule, xT.shape, None, seeded(), prediction="x0", **options)
    torch.testing.assert_close(ours, other, rtol=1e-9, atol=1e-9)


# What is refused ---------------------------------------------------------------------------------


def nothing(x, t, cond=None):
    return 0 * x


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (
            lambda: ddim.sample(nothing, PATHS["linear"], (1, 2), 2, timesteps=[999.9, 500, 0]),
            TypeError,
            "integers or an integer tensor, got 999.9",
        ),
        (
            lambda: ddpm.sample(nothing, PATHS["linear"], (1, 2), timesteps=[True, 0]),
            TypeError,
            "got True",
        ),
        (
            lambda: ddim.sample(nothing, PATHS["VP"], (1, 2), 1, timesteps=[1.1, 0.0]),
            ValueError,
            r"0\.\.1, got 1.1",
        ),
        (
            lambda: ddim.sample(nothing, PATHS["VP"], (1, 2), 1, timesteps=[0.2, 0.5]),
            ValueError,
            r"descend strictly within 1.0..0, at least two, got \[0.2, 0.5\]",
        ),
        (
            lambda: list(
                sampling.states(
                    ddim.rise,
                    Denoiser(nothing, PATHS["VP"]),
                    torch.zeros(1, 1),
                    [0.5, 0.2],
                    upwards=True,
                )
            ),
            ValueError,
            "ascend strictly",
        ),
        (lambda: ddpm.sample(nothing, PATHS["VP"], (1, 2)), TypeError, "give timesteps"),
        (
            lambda: ddpm.sample(
                nothing, PATHS["VP"], (1, 2), timesteps=[1.0, 0.0], variance="learned"
            ),
            TypeError,
            "a learned variance interpolates those of a chain",
        ),
        (
            lambda: ddpm.q_posterior(PATHS["VP"], torch.zeros(1), torch.zeros(1), 0.5),
            TypeError,
            "no time before t: give s",
        ),
        (lambda: PATHS["VP"].rates(torch.tensor([1])), TypeError, "floating-point"),
        (lambda: PATHS["VP"].rates(torch.tensor([1.5])), ValueError, "must lie in 0..1"),
        (lambda: PATHS["VP"].rates(float("nan")), ValueError, "got nan"),
        (lambda: PATHS["VP"].rates(torch.tensor([float("nan")])), ValueError, "must lie in 0..1"),
        (lambda: PATHS["VP"].rates(True), TypeError, "must be numbers, got True"),
        (lambda: PATHS["VP"].derivatives(0.0), ValueError, "slope of VP.* infinite at t = 0"),
        (lambda: PATHS["VE"].derivatives(torch.zeros(2)), ValueError, "slope of VE.* infinite"),
        (lambda: PATHS["VP"].times(0), ValueError, "at least 1, got 0"),
        (lambda: PATHS["VP"].times(2.5), TypeError, "steps must be an integer, got 2.5"),
        (lambda: PATHS["VP"].times(3, "cubic"), ValueError, "unknown spacing 'cubic'"),
        (lambda: paths.VP(2.0, 1.0), ValueError, "0 < beta_min ≤ beta_max, got 2.0 and 1.0"),
        (lambda: paths.VE(0.0, 1.0), ValueError, "0 < sigma_min < sigma_max"),
        (lambda: Denoiser(nothing, PATHS["VP"], "noise"), ValueError, "unknown prediction 'noise'"),
        (
            lambda: Denoiser(lambda x, t, c: x[:, :1], PATHS["VP"])(torch.zeros(2, 3), 0.5),
            ValueError,
            r"xt and output must have one shape, got \(2, 3\) and \(2, 1\)",
        ),
        (lambda: clipped(1.0, 1.0), ValueError, "low must be below high"),
        (lambda: thresholded(0.0), ValueError, "quantile must lie in"),
    ],
)
def test_refusals(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_whole_numbers_of_other_libraries_are_times():
    xT = torch.ones(2, 1)
    expected = ddim.sample(nothing, PATHS["linear"], xT.shape, 2, timesteps=[9, 4, 0], xT=xT)
    for times in (np.array([9, 4, 0]), torch.tensor([9, 4, 0])):
        got = ddim.sample(nothing, PATHS["linear"], xT.shape, 2, timesteps=times, xT=xT)
        assert torch.equal(got, expected)


def test_samplers_meet_the_network_where_it_lives():
    network = torch.nn.Linear(2, 2).double()

    def forward(x, t, cond=None):
        return network(x)

    class Network(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.inner = network

        def forward(self, x, t, cond=None):
            assert t.dtype == torch.int64
            return self.inner(x)

    x = ddim.sample(Network(), PATHS["linear"], (3, 2), 3, generator=seeded())
    assert x.dtype == torch.float64 and not x.requires_grad


# What a review found -----------------------------------------------------------------------------


@pytest.mark.parametrize("clip", [None, clipped(-5.0, 5.0)])
@pytest.mark.parametrize("prediction", ["eps", "v"])
@pytest.mark.parametrize("sample", [ddim.sample, ddpm.sample])
def test_labels_reach_the_network(sample, prediction, clip, mixture):
    """With labels the mixture's samples come from the component that was asked for."""
    path, n = PATHS["linear"], 200
    model = mixture.model(path, prediction)
    labels = torch.arange(n) % 2
    options = {"steps": 20} if sample is ddim.sample else {"timesteps": path.times(20)}
    xT = start(path, n)
    x = sample(
        model, path, (n, 1), cond=labels, generator=seeded(), xT=xT,
        prediction=prediction, clip=clip, **options,
    )  # fmt: skip
    near = mixture.responsibilities(x).argmax(1)
    assert (near == labels).double().mean() > 0.95  # the bumps are six deviations apart


@pytest.mark.parametrize("prediction", PREDICTIONS)
def test_the_perfect_network_knows_labels_whatever_it_predicts(prediction, mixture):
    path, x = paths.VP(), torch.randn(6, 1, generator=seeded(), dtype=F64)
    labels = torch.tensor([0, 1, 2, 0, 1, 2])
    ask = Denoiser(mixture.model(path, prediction), path, prediction)
    expected = mixture.posterior_mean(x, *path.rates(0.3), labels)
    torch.testing.assert_close(ask(x, 0.3, labels).x0, expected, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("path", ["VE", "VP", "sub-VP", "straight"])
def test_samplers_start_from_the_noise_of_their_path(path, mixture):
    """The first state is drawn with the spread of x_T, also where a sampler starts early."""
    path = PATHS[path]
    for first in (1.0, 0.95):
        times = [first * t for t in path.times(4)]
        model = mixture.model(path, "x0")
        walk = ddim.states(
            model, path, (4000, 1), 4, timesteps=times, generator=seeded(), prediction="x0"
        )
        (t, x) = next(walk)
        assert t == first
        assert x.std().item() == pytest.approx(path.rates(first)[1], rel=0.05)


def test_a_start_among_data_must_be_given():
    for path, first in ((PATHS["VE"], 0.3), (PATHS["straight"], 0.5), (PATHS["linear"], 100)):
        times = [first, first // 2 if isinstance(first, int) else first / 2, 0]
        with pytest.raises(ValueError, match=f"at t = {first} the data are still in x_t"):
            ddim.sample(nothing, path, (1, 2), 2, timesteps=times)
        ddim.sample(nothing, path, (1, 2), 2, timesteps=times, xT=torch.ones(1, 2), prediction="v")


def test_pictures_of_bytes_are_noised_as_floats():
    schedule, x0 = PATHS["linear"], torch.full((2, 3), 200, dtype=torch.uint8)
    eps, times = torch.randn(2, 3, generator=seeded()), torch.tensor([300, 300])
    expected = schedule.a(300) * 200 + schedule.b(300) * eps
    for t in (300, times):
        torch.testing.assert_close(ddpm.q_sample(schedule, x0, t, eps), expected)
        mean, variance = ddpm.q_posterior(schedule, x0, x0, t)
        assert mean.is_floating_point() and (variance > 0).all() and mean.isfinite().all()
        step = ddim.step(schedule, x0, eps, t, t - 50)
        torch.testing.assert_close(
            step, ddim.step(schedule, x0.float(), eps, t, t - 50), rtol=1e-5, atol=1e-3
        )


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_numbers_and_tensors_of_t_make_the_same_step_in_half_precision(dtype):
    """Factors are differences of rates: they are formed in float64 and rounded once."""
    x, eps, noise = torch.randn(3, 2, 4, generator=seeded()).to(dtype)
    zero = torch.zeros_like(x)
    for t, s in ((1000, 999), (500, 499), (500, 100)):
        pair = torch.tensor([t, t]), torch.tensor([s, s])
        for values in ((zero, eps), (x, eps)):
            a = ddim.step(PATHS["linear"], *values, t, s, 1.0, noise)
            b = ddim.step(PATHS["linear"], *values, *pair, 1.0, noise)
            torch.testing.assert_close(a, b, rtol=0.02, atol=1e-3)
    for path in (PATHS["VP"], PATHS["linear"]):
        t, s = path.times(1000)[:2]
        kind = torch.int64 if path is PATHS["linear"] else F64
        exact = path.transition(t, s)[1]
        pair = torch.tensor([t], dtype=kind), torch.tensor([s], dtype=kind)
        rounded = path.transition(*pair, x[:1])
        assert rounded[1].item() == pytest.approx(exact, rel=0.01)


def test_a_learned_variance_in_half_precision_is_a_number():
    one = torch.ones(1, 2, 2).half()
    for t in (2, 3, 1000):
        mean, log_variance = ddpm.p_reverse(PATHS["linear"], one[:, :1], one, t, variance="learned")
        assert mean.isfinite().all() and log_variance.isfinite().all()


def test_the_time_of_a_denoiser_is_checked_and_may_differ_between_samples(mixture):
    x = torch.randn(3, 1, generator=seeded(), dtype=F64)
    for path, wrong, times in (
        (PATHS["linear"], (999.9, -5, 5000, True), torch.tensor([3, 400, 1000])),
        (PATHS["VP"], (1.5, float("nan"), "0.5"), torch.tensor([0.1, 0.5, 1.0], dtype=F64)),
    ):
        ask = Denoiser(mixture.model(path), path)
        for t in wrong:
            with pytest.raises((TypeError, ValueError), match="times must"):
                ask(x, t)
        together = ask(x, times)
        for i, t in enumerate(times.tolist()):
            alone = ask(x[i : i + 1], t)
            for name in ("x0", "eps", "v", "velocity", "score"):
                torch.testing.assert_close(
                    getattr(together, name)[i : i + 1], getattr(alone, name), rtol=1e-9, atol=1e-9
                )
        with pytest.raises(ValueError, match="one time for each sample"):
            ask(x, times[:2])


def test_what_stops_at_one_stops_there_in_every_way():
    noisy = NoiseSchedule.linear(1000).stopping_at_one()
    flat = noisy.rescaled_zero_terminal_snr()
    assert flat.rates(0) == flat.rates(1) and flat.a(1000) == 0
    x, eps, noise = torch.randn(3, 2, 2, generator=seeded(), dtype=F64)
    for variance in ("posterior", "beta"):
        quiet = ddpm.step(noisy, x, eps, 20, 0, variance=variance)
        assert torch.equal(ddpm.step(noisy, x, eps, 20, 0, noise, variance), quiet)
    slopes = noisy.derivatives(1)
    assert slopes == NoiseSchedule.linear(1000).derivatives(1) and slopes[0] < 0
    for t in (1, 2, 20):
        output = torch.ones(1, 4, 2, dtype=F64)
        assert (
            ddpm.p_reverse(noisy, output[:, :2], output, t, variance="learned")[1].isfinite().all()
        )


def test_the_targets_of_the_loss_are_the_predictions():
    """At every time the network that is asked for p x_0 + q eps and says it has no loss."""
    schedule, x0 = NoiseSchedule.cosine(50), torch.randn(32, 2, generator=seeded(), dtype=F64)
    for prediction in PREDICTIONS:

        def knows(xt, t, cond, prediction=prediction):
            a, b = schedule.rates(t, xt)
            da, db = schedule.derivatives(t, xt)
            eps = (xt - a * x0) / b
            return {
                "eps": eps,
                "x0": x0,
                "v": a * eps - b * x0,
                "velocity": da * x0 + db * eps,
                "score": -eps / b,
            }[prediction]

        loss = ddpm.loss(knows, schedule, x0, None, seeded(), prediction=prediction)
        assert loss < 1e-20
        xt, t = ddpm.q_sample(schedule, x0, 30, x0.flip(0)), 30
        mean, _ = ddpm.p_reverse(
            schedule, xt, knows(xt, torch.full((32,), t), None), t, prediction=prediction
        )
        expected, _ = ddpm.q_posterior(schedule, x0, xt, t)
        torch.testing.assert_close(mean, expected, rtol=1e-9, atol=1e-9)


def test_a_given_x0_keeps_its_share_of_noise():
    schedule, (x, eps, x0, noise) = PATHS["linear"], torch.randn(4, 2, 3, generator=seeded())
    σ, (a_s, b_s) = ddim.sigma(schedule, 500, 300, 0.8), schedule.rates(300)
    expected = a_s * x0 + (b_s**2 - σ**2) ** 0.5 * eps + σ * noise
    got = ddim.step(schedule, x, eps, 500, 300, 0.8, noise, x0)
    torch.testing.assert_close(got, expected, rtol=1e-5, atol=1e-6)


def test_networks_of_means_are_clipped_and_checked():
    schedule, xT = NoiseSchedule.linear(60, 1e-3, 0.2), torch.randn(4, 2, generator=seeded())
    options = {"timesteps": [60, 30, 0], "xT": xT, "prediction": "mean"}
    held = ddpm.sample(lambda x, t, c: 3 * x, schedule, xT.shape, clip=clipped(), **options)
    assert (
        held.abs().max()
        <= 1
        < ddpm.sample(lambda x, t, c: 3 * x, schedule, xT.shape, **options).abs().max()
    )
    with pytest.raises(ValueError, match="one shape"):
        ddpm.sample(lambda x, t, c: x[:, :1], schedule, xT.shape, **options)
    with pytest.raises(TypeError, match="no next time"):
        ddpm.sample(nothing, PATHS["VP"], (1, 2), timesteps=[1.0, 0.0], prediction="mean")


def test_odd_networks_and_batches_are_refused_by_name():
    with pytest.raises(TypeError, match="answer with a tensor, got tuple"):
        Denoiser(lambda x, t, c: (x, x), PATHS["VP"])(torch.zeros(1, 2), 0.5)
    with pytest.raises(ValueError, match="x0 must not be empty"):
        ddpm.loss(nothing, PATHS["linear"], torch.zeros(0, 2))
    with pytest.raises(ValueError, match="unknown variance 'large'"):
        ddpm.ancestral(
            Denoiser(nothing, PATHS["linear"]), torch.zeros(1, 2), 5, 4, variance="large"
        )
    with pytest.raises(ValueError, match="answers twice"):
        ddpm.ancestral(
            Denoiser(nothing, PATHS["linear"]), torch.zeros(1, 2), 5, 4, variance="learned"
        )
    assert thresholded()(torch.zeros(0, 2)).shape == (0, 2)


def test_unclipped_noise_of_clipped_data_says_so_in_every_prediction(mixture):
    path, x = PATHS["linear"], torch.randn(8, 1, generator=seeded(), dtype=F64)
    said = Denoiser(mixture.model(path), path, clip=clipped(-0.1, 0.1), keep_eps=True)(x, 300)
    (a, b), (da, db) = path.rates(300), path.derivatives(300)
    torch.testing.assert_close(said.score, -said.eps / b)
    torch.testing.assert_close(said.v, a * said.eps - b * said.x0)
    torch.testing.assert_close(said.velocity, da * said.x0 + db * said.eps)


def test_spacing_and_times_of_continuous_paths():
    assert paths.VP().times(4) == [1.0, 0.75, 0.5, 0.25, 0.0]
    assert paths.VP().times(4, "quadratic") == [1.0, 0.5625, 0.25, 0.0625, 0.0]
    with pytest.raises(ValueError, match="descend strictly"):
        paths.VP().visited([0.5, 0.5, 0.0])
    half = paths.VP().network_time(torch.zeros(2, 1).half(), 0.9995)
    assert half.dtype == torch.float32 and half[0].item() == pytest.approx(0.9995, abs=1e-7)


def test_rounding_never_makes_a_variance_negative():
    """Found by a search: the difference of the two squares was −1.4e-20 before it was clamped."""
    t = 0.030126330599484663
    _, β = paths.VE().transition(t, np.nextafter(t, 0).item())
    assert β >= 0 and isinstance(β**0.5, float)
