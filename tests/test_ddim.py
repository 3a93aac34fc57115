"""DDIM against diffusers, DDPM, closed forms and exact marginals; with planted faults."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest
import torch
from diffusers import DDIMInverseScheduler, DDIMScheduler
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import kstest

from genbook import ddim, ddpm
from genbook.denoiser import Denoiser, clipped
from genbook.schedules import NoiseSchedule

F64 = torch.float64


def normal(*shape, seed=0, dtype=F64):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def curved(x, t, cond=None):
    """An arbitrary smooth network."""
    phase = t.reshape(-1, *[1] * (x.ndim - 1)) / 300
    return torch.tanh(1.3 * x + phase.sin()) * 0.8 + 0.1 * x


def rejects(check, *faulty):
    """The check must fail: this is the test of the test."""
    with pytest.raises(AssertionError):
        check(*faulty)


# The times ---------------------------------------------------------------------------------------


def test_timesteps_by_hand():
    assert ddim.timesteps(1000, 10) == [1000, 900, 800, 700, 600, 500, 400, 300, 200, 100, 0]
    assert ddim.timesteps(1000, 5, "quadratic") == [1000, 640, 360, 160, 40, 0]
    assert ddim.timesteps(7, 1) == [7, 0]
    assert ddim.timesteps(7, 7, "quadratic") == ddim.timesteps(7, 7) == list(range(7, -1, -1))


@given(data=st.data(), T=st.integers(1, 1500), spacing=st.sampled_from(["linear", "quadratic"]))
@settings(max_examples=200, deadline=None)
def test_timesteps_descend_strictly_to_zero(data, T, spacing):
    steps = data.draw(st.integers(1, T))
    times = ddim.timesteps(T, steps, spacing)
    assert len(times) == steps + 1 and times[0] == T and times[-1] == 0
    assert all(s < t for t, s in pairwise(times))
    power = 1 if spacing == "linear" else 2
    for i, t in enumerate(reversed(times)):  # rounded to the nearest, unless kept apart
        assert abs(t - T * (i / steps) ** power) <= 0.5 + 1e-9 or t == i


# The family --------------------------------------------------------------------------------------


def check_marginals(q_posterior, sigma_of):
    """x_t = a_t x_0 + b_t e implies x_s = a_s x_0 + b_s e': exact, from the linear coefficients."""
    schedule = NoiseSchedule.linear(60, 1e-3, 0.2)
    one, zero = torch.ones(1, 1, dtype=F64), torch.zeros(1, 1, dtype=F64)
    for t, s in [(60, 59), (60, 20), (31, 7), (2, 1), (9, 0)]:
        (a_t, b_t), (a_s, b_s) = schedule.rates(t), schedule.rates(s)
        sigma = sigma_of(b_s)
        on_x0, variance = q_posterior(schedule, one, zero, t, s, sigma)
        on_xt, _ = q_posterior(schedule, zero, one, t, s, sigma)
        torch.testing.assert_close(on_x0 + on_xt * a_t, a_s * one)
        torch.testing.assert_close((on_xt * b_t) ** 2 + variance, b_s**2 * one)


@given(fraction=st.floats(0, 1))
@settings(max_examples=30, deadline=None)
def test_any_sigma_keeps_the_marginals(fraction):
    check_marginals(ddim.q_posterior, lambda b_s: fraction * b_s)


def family_with(mean, variance=lambda σ: σ**2):
    def q_posterior(schedule, x0, xt, t, s, σ):
        (a_t, b_t), (a_s, b_s) = schedule.rates(t), schedule.rates(s)
        eps = (xt - a_t * x0) / b_t
        return mean(x0, eps, a_s, b_s, σ), torch.full_like(x0, variance(σ))

    return q_posterior


FAULTY_FAMILIES = {
    "direction without sigma": family_with(lambda x0, e, a, b, σ: a * x0 + b * e),
    "sigma not squared": family_with(lambda x0, e, a, b, σ: a * x0 + (b**2 - σ) ** 0.5 * e),
    "missing square root": family_with(lambda x0, e, a, b, σ: a * x0 + (b**2 - σ**2) * e),
    "b for b squared": family_with(lambda x0, e, a, b, σ: a * x0 + (b - σ**2) ** 0.5 * e),
    "a squared": family_with(lambda x0, e, a, b, σ: a**2 * x0 + (b**2 - σ**2) ** 0.5 * e),
    "variance sigma": family_with(
        lambda x0, e, a, b, σ: a * x0 + (b**2 - σ**2) ** 0.5 * e, lambda σ: σ
    ),
}


@pytest.mark.parametrize("fault", FAULTY_FAMILIES)
def test_faulty_families_are_rejected(fault):
    rejects(check_marginals, FAULTY_FAMILIES[fault], lambda b_s: 0.6 * b_s**2)


def test_sigma_of_ddpm_makes_the_chain_markov():
    schedule = NoiseSchedule.linear(100, 1e-3, 0.2)
    x0, xt = normal(2, 4, 3)
    for t, s in [(100, 99), (100, 40), (7, 1), (5, 0)]:
        σ = ddim.sigma(schedule, t, s)
        expected, variance = ddpm.q_posterior(schedule, x0, xt, t, s)
        mean, σ2 = ddim.q_posterior(schedule, x0, xt, t, s, σ)
        torch.testing.assert_close(mean, expected, rtol=1e-12, atol=1e-12)
        torch.testing.assert_close(σ2, variance, rtol=1e-12, atol=1e-14)


# The step ----------------------------------------------------------------------------------------

PEER_PREDICTIONS = {"eps": "epsilon", "x0": "sample", "v": "v_prediction"}


def peer_of(schedule, cls=DDIMScheduler, **options):
    """diffusers' scheduler with our float64 numbers, so that nothing differs but the code."""
    peer = cls(schedule.T, clip_sample=False, set_alpha_to_one=True, **options)
    peer.alphas_cumprod = schedule.alpha_bars[1:]
    peer.final_alpha_cumprod = peer.initial_alpha_cumprod = torch.tensor(1.0, dtype=F64)
    return peer


@pytest.mark.parametrize("eta", [0.0, 0.3, 1.0])
@pytest.mark.parametrize("steps", [10, 50, 1000])
@pytest.mark.parametrize("spacing", ["leading", "trailing"])
@pytest.mark.parametrize("prediction", PEER_PREDICTIONS)
def test_sampling_like_diffusers(eta, steps, spacing, prediction):
    schedule = NoiseSchedule.scaled_linear(1000)
    peer = peer_of(schedule, timestep_spacing=spacing, prediction_type=PEER_PREDICTIONS[prediction])
    peer.set_timesteps(steps)
    x = xT = normal(3, 2, 4, 4)
    generator = seeded(5)
    for t in peer.timesteps.tolist():
        output = curved(x, torch.full((3,), t + 1))
        x = peer.step(output, t, x, eta=eta, generator=generator).prev_sample
    ours = ddim.sample(
        curved,
        schedule,
        xT.shape,
        steps,
        eta,
        generator=seeded(5),
        timesteps=[*(peer.timesteps + 1).tolist(), 0],
        xT=xT,
        prediction=prediction,
    )
    scale = float(x.abs().max())
    torch.testing.assert_close(ours / scale, x / scale, rtol=1e-10, atol=1e-10)
    if spacing == "trailing":  # which is our own linear spacing
        again = ddim.sample(
            curved, schedule, xT.shape, steps, eta, None, seeded(5), xT=xT, prediction=prediction
        )
        assert torch.equal(again, ours)


@given(
    t=st.integers(1, 1000),
    steps=st.sampled_from([1, 4, 20, 125, 1000]),
    eta=st.floats(0, 1),
    kind=st.sampled_from(["linear", "cosine", "scaled_linear"]),
)
@settings(max_examples=100, deadline=None)
def test_steps_like_diffusers(t, steps, eta, kind):
    check_like_diffusers(ddim.step, t, steps, eta, kind)


def check_like_diffusers(step, t, steps, eta, kind="linear"):
    schedule = getattr(NoiseSchedule, kind)(1000)
    peer = peer_of(schedule)
    peer.set_timesteps(steps)
    s = max(t - 1000 // steps, 0)
    xt, eps, noise = normal(3, 4, 2)
    expected = peer.step(eps, t - 1, xt, eta=eta, variance_noise=noise).prev_sample
    scale = float(expected.abs().max())
    ours = step(schedule, xt, eps, t, s, eta, noise)
    torch.testing.assert_close(ours / scale, expected / scale, rtol=1e-10, atol=1e-10)


def step_with(sigma=None, x0=None, direction=None, noise=None):
    """The three-term step, spelled out, with one of its parts exchanged."""

    def right_sigma(schedule, t, s, eta):
        (_, b_t), (_, b_s) = schedule.rates(t), schedule.rates(s)
        return eta * b_s / b_t * math.sqrt(schedule.beta(t, s))

    def step(schedule, xt, eps, t, s, eta, z):
        (a_t, b_t), (a_s, b_s) = schedule.rates(t), schedule.rates(s)
        σ = (sigma or right_sigma)(schedule, t, s, eta)
        predicted = (x0 or (lambda x, e, a, b: (x - b * e) / a))(xt, eps, a_t, b_t)
        towards = (direction or (lambda b, σ: math.sqrt(b**2 - σ**2)))(b_s, σ) * eps
        return a_s * predicted + towards + (noise or (lambda σ: σ))(σ) * z

    return step


FAULTY_STEPS = {
    "one-step variance on a sub-sequence": step_with(
        lambda sc, t, s, eta: eta * sc.b(s) / sc.b(t) * math.sqrt(sc.beta(t))
    ),
    "sigma without eta": step_with(
        lambda sc, t, s, eta: sc.b(s) / sc.b(t) * math.sqrt(sc.beta(t, s))
    ),
    "sigma squared": step_with(noise=lambda σ: σ**2),
    "b_t / b_s upside down": step_with(
        lambda sc, t, s, eta: 0.5 * eta * sc.b(t) / sc.b(s) * math.sqrt(sc.beta(t, s))
    ),
    "direction without sigma": step_with(direction=lambda b, σ: b),
    "direction not rooted": step_with(direction=lambda b, σ: b**2 - σ**2),
    "sigma in place of sigma squared": step_with(direction=lambda b, σ: math.sqrt(b**2 - b * σ)),
    "x_0 without dividing by a": step_with(x0=lambda x, e, a, b: x - b * e),
    "x_0 with alpha-bar": step_with(x0=lambda x, e, a, b: (x - b * e) / a**2),
    "x_0 with variance": step_with(x0=lambda x, e, a, b: (x - b**2 * e) / a),
}


def test_the_spelled_out_step_is_right():
    for t, steps, eta in [(1000, 20, 0.5), (400, 50, 1.0), (7, 4, 0.0)]:
        check_like_diffusers(step_with(), t, steps, eta)


@pytest.mark.parametrize("fault", FAULTY_STEPS)
def test_faulty_steps_are_rejected(fault):
    rejects(check_like_diffusers, FAULTY_STEPS[fault], 500, 20, 0.5)


def test_batched_times():
    schedule = NoiseSchedule.linear(100, 1e-3, 0.2)
    xt, eps, noise = normal(3, 4, 2, 3)
    t, s = torch.tensor([100, 50, 7, 1]), torch.tensor([60, 0, 1, 0])
    batch = ddim.step(schedule, xt, eps, t, s, 0.7, noise)
    for i in range(4):
        one = slice(i, i + 1)
        alone = ddim.step(schedule, xt[one], eps[one], int(t[i]), int(s[i]), 0.7, noise[one])
        torch.testing.assert_close(batch[one], alone)
    single = ddim.step(schedule, xt.float(), eps.float(), t, s, 0.7, noise.float())
    assert single.dtype == torch.float32
    torch.testing.assert_close(single, batch.float(), rtol=1e-5, atol=1e-5)


def test_the_last_step_reaches_the_data():
    schedule = NoiseSchedule.linear(1000)
    x0, eps, noise = normal(3, 4, 2)
    for t in (1000, 37, 1):
        xt = ddpm.q_sample(schedule, x0, t, eps)
        torch.testing.assert_close(ddim.step(schedule, xt, eps, t, 0), x0)
        torch.testing.assert_close(ddim.step(schedule, xt, eps, t, 0, 1.0, noise), x0)


# eta = 1 is DDPM ---------------------------------------------------------------------------------


@given(data=st.data())
@settings(max_examples=50, deadline=None)
def test_eta_one_is_the_ancestral_step(data):
    schedule = NoiseSchedule.linear(1000)
    t = data.draw(st.integers(1, 1000))
    s = data.draw(st.integers(0, t - 1))
    xt, eps, noise = normal(3, 4, 2)
    torch.testing.assert_close(
        ddim.step(schedule, xt, eps, t, s, 1.0, noise),
        ddpm.step(schedule, xt, eps, t, s, noise),
        rtol=1e-9,
        atol=1e-10,
    )


@pytest.mark.parametrize("steps", [5, 20, 300])
@pytest.mark.parametrize("spacing", ["linear", "quadratic"])
def test_eta_one_is_ancestral_sampling_on_the_sub_sequence(steps, spacing):
    schedule = NoiseSchedule.linear(300, 3e-4, 0.06)
    times = ddim.timesteps(300, steps, spacing)
    xT = normal(6, 3)
    ours = ddim.sample(
        curved, schedule, xT.shape, steps, 1.0, None, seeded(), spacing=spacing, xT=xT
    )
    ancestral = ddpm.sample(curved, schedule, xT.shape, None, seeded(), timesteps=times, xT=xT)
    torch.testing.assert_close(ours, ancestral, rtol=1e-9, atol=1e-9)
    # the paper's σ̂: the same means, DDPM's larger noise
    large = ddpm.sample(
        curved, schedule, xT.shape, None, seeded(), timesteps=times, xT=xT, variance="beta"
    )
    assert not torch.allclose(large, ancestral, rtol=1e-3)
    shorter = NoiseSchedule([schedule.beta(t, s) for t, s in pairwise(times)][::-1])
    index = {i: t for i, t in enumerate(reversed(times))}
    renamed = lambda x, t, cond: curved(x, torch.full_like(t, index[int(t[0])]))  # noqa: E731
    respaced = ddpm.sample(renamed, shorter, xT.shape, None, seeded(), xT=xT, variance="beta")
    torch.testing.assert_close(large, respaced, rtol=1e-8, atol=1e-8)


# Marginals ---------------------------------------------------------------------------------------


def kolmogorov_smirnov(x, mixture):
    """Are these samples of the data? Statistic and p-value."""
    return kstest(x[:, 0].numpy(), lambda x: mixture.cdf(torch.as_tensor(x)).numpy())


@pytest.mark.parametrize("eta", [0.0, 0.5, 1.0])
def test_samples_of_the_oracle_have_the_data_distribution(mixture, eta):
    schedule = NoiseSchedule.linear(1000)
    xT = normal(4000, 1, seed=8)
    x0 = ddim.sample(mixture.model(schedule), schedule, xT.shape, 400, eta, None, seeded(), xT=xT)
    assert kolmogorov_smirnov(x0, mixture).pvalue > 1e-3


def test_with_few_steps_eta_zero_is_nearer(mixture):
    """The paper's table in miniature, with an exact network: 10 steps, n = 4000."""
    schedule = NoiseSchedule.linear(1000)
    xT, model = normal(4000, 1, seed=8), mixture.model(schedule)
    zero, half, one = (
        kolmogorov_smirnov(
            ddim.sample(model, schedule, xT.shape, 10, eta, None, seeded(), xT=xT), mixture
        ).statistic
        for eta in (0.0, 0.5, 1.0)
    )
    assert zero < half < one


def gaussian_model(schedule, std):
    """The exact network for data N(0, std²): eps = b x / (a² std² + b²)."""

    def predict(x, t, cond):
        a, b = schedule.rates(int(t[0]))
        return b * x / (a**2 * std**2 + b**2)

    return predict


def test_ddim_is_the_flow_of_a_gaussian_and_its_error_is_of_first_order():
    """For Gaussian data the ODE's solution is x_0 = std / √(a² std² + b²) · x_T."""
    schedule = NoiseSchedule.linear(1000)
    xT = torch.ones(1, 1, dtype=F64)
    a, b = schedule.rates(1000)
    exact = 0.5 / math.sqrt(a**2 * 0.25 + b**2)
    errors = [
        abs(float(ddim.sample(gaussian_model(schedule, 0.5), schedule, (1, 1), n, xT=xT)) - exact)
        for n in (50, 100, 200, 400)
    ]
    for coarse, fine in pairwise(errors):
        assert 1.6 < coarse / fine < 2.6
    assert errors[-1] < 0.01 * exact


# Encoding ----------------------------------------------------------------------------------------


def test_encoding_like_diffusers():
    schedule = NoiseSchedule.scaled_linear(1000)
    peer = peer_of(schedule, DDIMInverseScheduler)
    peer.set_timesteps(50)
    x = x0 = normal(3, 2, 4, 4)
    for t in peer.timesteps.tolist():
        x = peer.step(curved(x, torch.full((3,), t + 1)), t, x).prev_sample
    times = [*(peer.timesteps + 1).tolist()[::-1], 0]
    ours = ddim.encode(curved, schedule, x0, 50, timesteps=times)
    torch.testing.assert_close(ours, x, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("spacing", ["linear", "quadratic"])
def test_encoding_then_sampling_returns_the_data(plane, generator, spacing):
    schedule = NoiseSchedule.linear(1000)
    model, x0 = plane.model(schedule), plane.sample(200, generator)
    errors = []
    for steps in (10, 20, 50, 100, 200, 500):
        xT = ddim.encode(model, schedule, x0, steps, spacing=spacing)
        again = ddim.sample(model, schedule, x0.shape, steps, xT=xT, spacing=spacing)
        errors.append(float(((again - x0) ** 2).mean()))
    assert errors == sorted(errors, reverse=True)
    assert errors[-1] < errors[0] / 20


def test_codes_of_data_are_standard_normal(mixture, generator):
    schedule = NoiseSchedule.linear(1000)
    x0 = mixture.sample(4000, generator)
    xT = ddim.encode(mixture.model(schedule), schedule, x0, 400)
    assert kstest(xT[:, 0].numpy(), "norm").pvalue > 1e-3


@pytest.mark.parametrize("prediction", ["v", "x0"])
def test_encoding_with_other_predictions(mixture, generator, prediction):
    schedule = NoiseSchedule.linear(200, 5e-4, 0.1)
    x0, model = mixture.sample(20, generator), mixture.model(schedule)

    def other(x, t, cond):
        a, b = schedule.rates(int(t[0]))
        eps = model(x, t)
        data = (x - b * eps) / a
        return data if prediction == "x0" else a * eps - b * data

    xT = ddim.encode(model, schedule, x0, 20)
    torch.testing.assert_close(
        ddim.encode(other, schedule, x0, 20, prediction=prediction), xT, rtol=1e-8, atol=1e-8
    )


# States, randomness, the ends --------------------------------------------------------------------


def test_states_are_the_path_and_sample_their_end():
    schedule = NoiseSchedule.linear(100)
    states = list(ddim.states(curved, schedule, (2, 3), 10, 0.5, generator=seeded()))
    assert [t for t, _ in states] == ddim.timesteps(100, 10)
    end = ddim.sample(curved, schedule, (2, 3), 10, 0.5, generator=seeded())
    assert torch.equal(states[-1][1], end) and end.dtype == torch.float32
    up = list(ddim.encoding_states(curved, schedule, end, 10))
    assert [t for t, _ in up] == ddim.timesteps(100, 10)[::-1]
    assert torch.equal(up[-1][1], ddim.encode(curved, schedule, end, 10))
    before = torch.random.get_rng_state()
    again = ddim.sample(curved, schedule, (2, 3), 10, 0.5, generator=seeded())
    assert torch.equal(again, end) and torch.equal(before, torch.random.get_rng_state())


def test_the_model_is_asked_in_its_own_words():
    schedule, calls = NoiseSchedule.linear(100), []

    def spy(x, t, cond):
        calls.append((int(t[0]), t.dtype, t.shape, cond, torch.is_grad_enabled()))
        return x

    ddim.sample(spy, schedule, (2, 3), 4, cond="cond")
    ddim.encode(spy, schedule, torch.zeros(2, 3), 4, "cond")
    times = [100, 75, 50, 25, 25, 50, 75, 100]
    assert calls == [(t, torch.int64, (2,), "cond", False) for t in times]


def test_zero_terminal_snr_needs_v_or_x0():
    schedule = NoiseSchedule.linear(50).rescaled_zero_terminal_snr()
    for prediction in ("v", "x0"):
        x = ddim.sample(curved, schedule, (3, 2), 10, 1.0, None, seeded(), prediction=prediction)
        assert x.isfinite().all()
        assert ddim.encode(curved, schedule, x, 10, prediction=prediction).isfinite().all()
    with pytest.raises(ValueError, match="eps does not determine x_0 where a_t = 0"):
        ddim.sample(curved, schedule, (3, 2), 10, generator=seeded())


# Interpolation -----------------------------------------------------------------------------------


@given(w=st.floats(0, 1), seed=st.integers(0, 50))
@settings(max_examples=60, deadline=None)
def test_slerp_moves_evenly_along_the_arc(w, seed):
    u, v = torch.nn.functional.normalize(normal(2, 5, 12, seed=seed), dim=2)
    z = ddim.slerp(u, v, w)
    torch.testing.assert_close(z.norm(dim=1), torch.ones(5, dtype=F64))
    angle = (u * v).sum(1).acos()
    torch.testing.assert_close((u * z).sum(1).clamp(-1, 1).acos(), w * angle, atol=1e-6, rtol=1e-6)
    torch.testing.assert_close(z, ddim.slerp(v, u, 1 - w))


def test_slerp_by_hand():
    u, v = torch.tensor([[1.0, 0.0]]), torch.tensor([[0.0, 2.0]])
    half = math.sqrt(0.5)
    torch.testing.assert_close(ddim.slerp(u, v, 0.5), torch.tensor([[half, 2 * half]]))
    torch.testing.assert_close(ddim.slerp(u[0], v[0], 0.5), torch.tensor([half, 2 * half]))
    many = ddim.slerp(u, v, torch.tensor([0.0, 0.5, 1.0]))
    torch.testing.assert_close(many, torch.tensor([[1.0, 0.0], [half, 2 * half], [0.0, 2.0]]))
    torch.testing.assert_close(ddim.slerp(u, u, 0.3), u)
    nearly = u + torch.tensor([[0.0, 1e-6]])
    torch.testing.assert_close(ddim.slerp(u, nearly, 0.5), u + torch.tensor([[0.0, 5e-7]]))


def test_lerp_is_too_short_and_slerp_is_not():
    u, v = normal(2, 400, 1, 8, 8)
    length = math.sqrt(64)
    assert float(ddim.slerp(u, v, 0.5).flatten(1).norm(dim=1).mean()) == pytest.approx(
        length, rel=0.02
    )
    assert float(ddim.lerp(u, v, 0.5).flatten(1).norm(dim=1).mean()) == pytest.approx(
        length / math.sqrt(2), rel=0.02
    )
    weights = torch.linspace(0, 1, 400)
    torch.testing.assert_close(ddim.lerp(u, v, weights)[100], ddim.lerp(u, v, weights[100])[100])


# Refusals ----------------------------------------------------------------------------------------

SCHEDULE = NoiseSchedule.linear(10)
X = torch.zeros(3, 2)
B3 = SCHEDULE.b(3)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: ddim.timesteps(10, 11), ValueError, r"steps must lie in 1..T = 10, got 11"),
        (lambda: ddim.timesteps(10, 0), ValueError, r"got 0"),
        (lambda: ddim.timesteps(10, 2.5), TypeError, r"steps .* integer, got 2.5"),
        (
            lambda: ddim.timesteps(10, 2, "cubic"),
            ValueError,
            r"unknown spacing 'cubic': use one of 'linear', 'quadratic'",
        ),
        (lambda: ddim.sigma(SCHEDULE, 5, 3, 1.5), ValueError, r"eta must lie .* got 1.5"),
        (lambda: ddim.sigma(SCHEDULE, 3, 5), ValueError, r"s = 5, t = 3"),
        (lambda: ddim.q_posterior(SCHEDULE, X, X, 3, 5, 0.0), ValueError, r"s = 5, t = 3"),
        (lambda: ddim.q_posterior(SCHEDULE, X, X, 5, 3, 1.01 * B3), ValueError, "sigma must"),
        (lambda: ddim.q_posterior(SCHEDULE, X, X[:1], 5, 3, 0.0), ValueError, r"x0 and xt"),
        (lambda: ddim.step(SCHEDULE, X, X[:1], 5, 3), ValueError, r"xt and eps"),
        (lambda: ddim.step(SCHEDULE, X, X, 3, 5), ValueError, r"s = 5, t = 3"),
        (lambda: ddim.step(SCHEDULE, X, X, 3, 3), ValueError, r"s = 3, t = 3"),
        (lambda: ddim.step(SCHEDULE, X, X, 11, 3), ValueError, r"in 0..10, got 11"),
        (lambda: ddim.step(SCHEDULE, X, X, 3, -1), ValueError, r"in 0..10, got -1"),
        (lambda: ddim.step(SCHEDULE, X, X, 3.5, 1), TypeError, r"got 3.5"),
        (lambda: ddim.step(SCHEDULE, X, X, 5, 3, float("nan")), ValueError, r"eta .* got nan"),
        (lambda: ddim.step(SCHEDULE, X, X, 5, 3, -0.5), ValueError, r"eta .* got -0.5"),
        (lambda: ddim.step(SCHEDULE, X, X, 5, 3, 0.5), ValueError, r"give noise"),
        (lambda: ddim.step(SCHEDULE, X, X, 5, 3, 0.5, X[:1]), ValueError, r"xt and noise"),
        (lambda: ddim.step(SCHEDULE, X, X, 5, 3, x0=X[:1]), ValueError, r"xt and x0"),
        (lambda: ddim.sample(curved, SCHEDULE, (3, 2), 11), ValueError, r"steps must lie in"),
        (lambda: ddim.sample(curved, SCHEDULE, (3, 2), 4, xT=X[:1]), ValueError, r"xT"),
        (
            lambda: ddim.sample(curved, SCHEDULE, (3, 2), 2, timesteps=[9, 5, 2, 0]),
            ValueError,
            r"2 steps need 3 times, got 4",
        ),
        (
            lambda: ddim.sample(curved, SCHEDULE, (3, 2), 2, timesteps=[0, 5, 9]),
            ValueError,
            r"descend strictly",
        ),
        (
            lambda: ddim.sample(curved, SCHEDULE, (3, 2), 2, prediction="mean"),
            ValueError,
            r"unknown prediction 'mean'",
        ),
        (lambda: ddim.encode(curved, SCHEDULE, X, 11), ValueError, r"steps must lie in"),
        (lambda: ddim.slerp(X, X, 0.5), ValueError, r"zero or NaN vector"),
        (lambda: ddim.slerp(X + 1, -X - 1, 0.5), ValueError, r"opposite"),
        (lambda: ddim.slerp(X + 1, X[:1] + 1, 0.5), ValueError, r"u and v"),
        (lambda: ddim.lerp(X, X, torch.zeros(3, 1)), ValueError, r"w must be a number"),
    ],
)  # fmt: skip
def test_refusals(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_progress_bar(capsys):
    ddim.sample(curved, SCHEDULE, (1, 2), 5, progress=True)
    assert "5/5" in capsys.readouterr().err


@pytest.mark.parametrize("eta", [0.0, 0.4, 1.0])
@pytest.mark.parametrize(("t", "s"), [(1000, 950), (500, 3), (2, 1), (7, 0)])
def test_the_sampler_s_step_is_the_fast_one(t, s, eta):
    """Written as the formula reads, and sorted by x_t and eps: one step."""
    schedule, (x, eps) = NoiseSchedule.linear(1000), normal(2, 5, 3)
    denoiser = Denoiser(lambda *_: eps, schedule)
    ours = ddim.jump(denoiser, x, t, s, None, seeded(3), eta=eta)
    noise = torch.randn(5, 3, generator=seeded(3), dtype=F64)
    torch.testing.assert_close(
        ours, ddim.step(schedule, x, eps, t, s, eta, noise), rtol=1e-11, atol=1e-11
    )


# The quick forms ---------------------------------------------------------------------------------


@pytest.mark.parametrize("eta", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("T", [10, 1000])
def test_the_step_from_eps_is_the_jump_of_the_page(T, eta):
    denoiser, x = Denoiser(curved, NoiseSchedule.linear(T)), normal(4, 3)

    def check(step):
        for t, s in ((T, T // 2), (T // 2, 1), (1, 0)):
            jump = ddim.jump(denoiser, x, t, s, None, seeded(3), eta=eta)
            torch.testing.assert_close(
                step(denoiser, x, t, s, None, seeded(3), eta=eta), jump, rtol=1e-12, atol=1e-12
            )

    check(ddim.from_eps)
    rejects(check, lambda *a, eta: ddim.from_eps(*a, eta=eta) + 1e-9)
    rejects(check, lambda d, x, t, s, c, g, eta: ddim.from_eps(d, x, t, s, c, g, eta=1 - eta / 2))


@pytest.mark.parametrize(
    ("options", "plain"),
    [({}, False), ({"clip": clipped()}, True), ({"prediction": "v"}, True)],
    ids=["eps", "eps, clipped", "v"],
)
def test_the_sampler_takes_the_quick_step_only_where_it_is_the_same(monkeypatch, options, plain):
    taken = []
    for name in ("jump", "from_eps"):
        step = getattr(ddim, name)
        monkeypatch.setattr(
            ddim, name, lambda *a, n=name, f=step, **k: taken.append(n) or f(*a, **k)
        )
    ddim.sample(curved, NoiseSchedule.linear(10), (2, 3), 4, generator=seeded(), **options)
    assert taken == ["jump" if plain else "from_eps"] * 4
