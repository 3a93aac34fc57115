"""DDPM against closed forms, Bayes, diffusers and exact marginals; with planted faults."""

from __future__ import annotations

import math

import pytest
import torch
from diffusers import DDPMScheduler
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import kstest, norm

from genbook import bound, ddpm
from genbook.schedules import NoiseSchedule

F64 = torch.float64


def normal(*shape, seed=0, dtype=F64):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)


def log_normal(x, mean, variance):
    return -((x - mean) ** 2) / (2 * variance) - torch.log(torch.as_tensor(variance, dtype=F64)) / 2


def rejects(check, *faulty):
    """The check must fail: this is the test of the test."""
    with pytest.raises(AssertionError):
        check(*faulty)


# The forward chain -------------------------------------------------------------------------------


def check_is_the_chain(q_sample):
    """Mean and variance of x_t equal those of t single steps x_t = √α_t x_{t−1} + √β_t eps."""
    schedule = NoiseSchedule.linear(30, 1e-3, 0.3)
    x0 = torch.tensor([[-2.0], [0.5]], dtype=F64)
    mean, variance = x0, torch.zeros_like(x0)
    for t in range(1, schedule.T + 1):
        beta = float(schedule.betas[t])
        mean, variance = math.sqrt(1 - beta) * mean, (1 - beta) * variance + beta
        zero, one = torch.zeros_like(x0), torch.ones_like(x0)
        torch.testing.assert_close(q_sample(schedule, x0, t, zero), mean)
        torch.testing.assert_close((q_sample(schedule, zero, t, one)) ** 2, variance)


FAULTY_Q_SAMPLES = {
    "alpha for alpha-bar": lambda s, x, t, e: s.alphas[t].sqrt() * x + s.betas[t].sqrt() * e,
    "beta as standard deviation": lambda s, x, t, e: s.alphas[t].sqrt() * x + s.betas[t] * e,
    "no square root of alpha-bar": lambda s, x, t, e: s.alpha_bars[t] * x + s.b(t) * e,
    "variance for standard deviation": lambda s, x, t, e: s.a(t) * x + s.b(t) ** 2 * e,
    "product to T": lambda s, x, t, e: s.a(s.T) * x + s.b(s.T) * e,
    "index off by one": lambda s, x, t, e: s.a(t - 1) * x + s.b(t - 1) * e,
    "a + b = 1": lambda s, x, t, e: s.a(t) * x + (1 - s.a(t)) * e,
}


def test_q_sample_is_the_chain():
    check_is_the_chain(ddpm.q_sample)


@pytest.mark.parametrize("fault", FAULTY_Q_SAMPLES)
def test_faulty_q_samples_are_rejected(fault):
    rejects(check_is_the_chain, FAULTY_Q_SAMPLES[fault])


def test_q_sample_like_diffusers():
    schedule = NoiseSchedule.scaled_linear()
    peer = DDPMScheduler()
    peer.alphas_cumprod = schedule.alpha_bars[1:]
    x0, eps, t = (
        normal(6, 3, 4, 4),
        normal(6, 3, 4, 4, seed=1),
        torch.tensor([1, 2, 9, 80, 700, 1000]),
    )
    torch.testing.assert_close(
        ddpm.q_sample(schedule, x0, t, eps), peer.add_noise(x0, eps, t - 1), rtol=1e-12, atol=1e-12
    )
    assert ddpm.q_sample(schedule, x0.float(), t, eps.float()).dtype == torch.float32
    assert torch.equal(ddpm.q_sample(schedule, x0, 0, eps), x0)


# The posterior -----------------------------------------------------------------------------------


def check_bayes(q_posterior, t, s):
    """q(x_s | x_t, x_0) q(x_t | x_0) = q(x_t | x_s) q(x_s | x_0) at any point."""
    schedule = NoiseSchedule.linear(40, 1e-3, 0.3)
    x0, xs, xt = normal(3, 5)
    mean, variance = q_posterior(schedule, x0, xt, t, s)
    (a_t, b_t), (a_s, b_s) = schedule.rates(t), schedule.rates(s)
    forward = a_t / a_s
    left = log_normal(xs, mean, variance) + log_normal(xt, a_t * x0, b_t**2)
    right = log_normal(xt, forward * xs, 1 - forward**2) + log_normal(xs, a_s * x0, b_s**2)
    torch.testing.assert_close(left, right, rtol=1e-8, atol=1e-8)


@given(data=st.data())
@settings(max_examples=60, deadline=None)
def test_posterior_is_bayes(data):
    t = data.draw(st.integers(2, 40))
    check_bayes(ddpm.q_posterior, t, data.draw(st.integers(1, t - 1)))


def posterior_with(alpha, variance=1.0):
    """The posterior's formula with another α of the step, or another variance."""

    def q_posterior(schedule, x0, xt, t, s):
        b_t, (a_s, b_s) = schedule.b(t), schedule.rates(s)
        r = alpha(schedule, t, s)
        mean = (a_s * (1 - r) * x0 + math.sqrt(r) * b_s**2 * xt) / b_t**2
        return mean, (b_s**2 / b_t**2 * (1 - r)) ** variance

    return q_posterior


def test_faulty_posteriors_are_rejected():
    right = posterior_with(lambda schedule, t, s: schedule.alpha(t, s))
    check_bayes(right, 30, 20)
    rejects(check_bayes, posterior_with(lambda schedule, t, s: schedule.alpha(t)), 30, 20)
    rejects(check_bayes, posterior_with(lambda schedule, t, s: schedule.a(t) ** 2), 30, 29)
    rejects(check_bayes, posterior_with(lambda schedule, t, s: schedule.alpha(t, s), 0.5), 30, 20)


def test_posterior_ends_at_the_data():
    schedule = NoiseSchedule.linear(10)
    x0, xt = normal(2, 4, 3)
    mean, variance = ddpm.q_posterior(schedule, x0, xt, 1)
    torch.testing.assert_close(mean, x0)
    assert float(variance) == 0
    t = torch.tensor([1, 5, 10, 2])
    means, variances = ddpm.q_posterior(schedule, x0, xt, t)
    assert variances.shape == (4, 1)
    for i in range(4):
        mean, variance = ddpm.q_posterior(schedule, x0[i : i + 1], xt[i : i + 1], int(t[i]))
        torch.testing.assert_close(means[i : i + 1], mean)
        torch.testing.assert_close(variances[i, 0], variance)


def p_value(x, mixture, a=1.0, b=0.0):
    """Kolmogorov–Smirnov: are these samples of x_t = a x_0 + b eps?"""
    cdf = mixture.at(a, b).cdf
    return kstest(x[:, 0].numpy(), lambda x: cdf(torch.as_tensor(x)).numpy()).pvalue


def marginal_p_values(step_back, mixture, times, schedule):
    """Of x_s along a chain of posteriors whose data is known (n = 4000)."""
    generator = torch.Generator().manual_seed(3)
    x0 = mixture.sample(4000, generator)
    noise = torch.randn(len(times), 4000, 1, generator=generator, dtype=F64)
    x = ddpm.q_sample(schedule, x0, times[0], noise[0])
    p_values = []
    for i in range(1, len(times)):
        t, s = times[i - 1], times[i]
        x = step_back(schedule, x0, x, t, s, noise[i])
        a, b = schedule.rates(s)
        p_values.append(p_value(x, mixture, a, b))
    return p_values


def ancestral(schedule, x0, x, t, s, noise, root=0.5):
    mean, variance = ddpm.q_posterior(schedule, x0, x, t, s)
    return mean + variance**root * noise


def test_chain_of_posteriors_has_the_marginals(mixture):
    schedule = NoiseSchedule.linear(100, 1e-3, 0.2)
    times = [100, 70, 40, 25, 12, 5, 2, 1, 0]
    assert min(marginal_p_values(ancestral, mixture, times, schedule)) > 1e-3

    def variance_for_std(*arguments):
        return ancestral(*arguments, root=1.0)

    def alpha_of_one_step(schedule, x0, x, t, s, noise):
        mean, variance = posterior_with(lambda schedule, t, s: schedule.alpha(t))(
            schedule, x0, x, t, s
        )
        return mean + math.sqrt(variance) * noise

    for fault in (variance_for_std, alpha_of_one_step):
        assert min(marginal_p_values(fault, mixture, times, schedule)) < 1e-9


# The reverse step --------------------------------------------------------------------------------


def curved(x, t, cond=None):
    """An arbitrary smooth network."""
    phase = t.reshape(-1, *[1] * (x.ndim - 1)) / 300
    return torch.tanh(1.3 * x + phase.sin()) * 0.8 + 0.1 * x


def doubled(x, t, cond=None):
    return torch.cat([curved(x, t), torch.sin(x + t[0] / 100)], 1)


PEER_VARIANCES = {"posterior": "fixed_small", "beta": "fixed_large", "learned": "learned_range"}
PEER_PREDICTIONS = {"eps": "epsilon", "x0": "sample", "v": "v_prediction"}


def peer_of(schedule, **options):
    """diffusers' scheduler with our float64 numbers, so that nothing differs but the code."""
    peer = DDPMScheduler(schedule.T, clip_sample=False, **options)
    peer.alphas_cumprod = schedule.alpha_bars[1:]
    peer.one = torch.tensor(1.0, dtype=F64)
    return peer


@pytest.mark.parametrize("variance", PEER_VARIANCES)
@pytest.mark.parametrize("prediction", PEER_PREDICTIONS)
@pytest.mark.parametrize("steps", [1000, 50, 10])
def test_sampling_like_diffusers(variance, prediction, steps):
    schedule = NoiseSchedule.linear(1000)
    peer = peer_of(
        schedule,
        variance_type=PEER_VARIANCES[variance],
        prediction_type=PEER_PREDICTIONS[prediction],
        timestep_spacing="leading",
    )
    peer.set_timesteps(steps)
    model = doubled if variance == "learned" else curved
    x = xT = normal(3, 2, 4, 4)
    generator = torch.Generator().manual_seed(5)
    for t in peer.timesteps.tolist():
        output = model(x, torch.full((3,), t + 1))
        x = peer.step(output, t, x, generator=generator).prev_sample
    ours = ddpm.sample(
        model,
        schedule,
        xT.shape,
        generator=torch.Generator().manual_seed(5),
        prediction=prediction,
        variance=variance,
        timesteps=[*(peer.timesteps + 1).tolist(), 0],
        xT=xT,
    )
    scale = float(x.abs().max())
    torch.testing.assert_close(ours / scale, x / scale, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("spacing", ["leading", "trailing", "linspace"])
@pytest.mark.parametrize("variance", ["posterior", "beta"])
def test_steps_like_diffusers(spacing, variance):
    schedule = NoiseSchedule.cosine(1000)
    peer = peer_of(schedule, variance_type=PEER_VARIANCES[variance], timestep_spacing=spacing)
    peer.set_timesteps(25)
    for i, t in enumerate(peer.timesteps.tolist()):
        s = max(int(peer.previous_timestep(t)) + 1, 0)
        xt, eps = normal(2, 4, 3, seed=i)
        expected = peer.step(eps, t, xt, generator=torch.Generator().manual_seed(i)).prev_sample
        # at its last step diffusers adds noise of variance 1e-20, or of β; there should be none
        noise = normal(4, 3, seed=i) if s > 0 else None
        if s == 0 and t > 0:
            sigma = 1e-10 if variance == "posterior" else schedule.b(t + 1)
            expected = expected - sigma * normal(4, 3, seed=i)
        ours = ddpm.step(schedule, xt, eps, t + 1, s, noise, variance)
        torch.testing.assert_close(ours, expected, rtol=1e-10, atol=1e-10)


def test_step_is_the_posterior_of_the_predicted_data():
    schedule = NoiseSchedule.linear(100, 1e-3, 0.2)
    xt, eps, noise = normal(3, 4, 2)
    t, s = torch.tensor([100, 50, 7, 1]), torch.tensor([60, 49, 1, 0])
    x0 = (xt - schedule.b(t, xt) * eps) / schedule.a(t, xt)
    mean, variance = ddpm.q_posterior(schedule, x0, xt, t, s)
    torch.testing.assert_close(ddpm.step(schedule, xt, eps, t, s), mean)
    ours = ddpm.step(schedule, xt, eps, t, s, noise)
    torch.testing.assert_close(ours, mean + variance.sqrt() * noise)
    large = ddpm.step(schedule, xt, eps, t, s, noise, "beta")
    no_noise_at_the_end = (s > 0)[:, None] * schedule.beta(t, s, xt).sqrt()
    torch.testing.assert_close(large, mean + no_noise_at_the_end * noise)


@pytest.mark.parametrize("prediction", ["x0", "v", "mean"])
def test_all_predictions_say_the_same(prediction):
    schedule = NoiseSchedule.linear(100, 1e-3, 0.2)
    xt, eps = normal(2, 4, 3)
    t = torch.tensor([100, 50, 7, 2])
    x0 = (xt - schedule.b(t, xt) * eps) / schedule.a(t, xt)
    said = {
        "x0": x0,
        "v": schedule.a(t, xt) * eps - schedule.b(t, xt) * x0,
        "mean": ddpm.q_posterior(schedule, x0, xt, t)[0],
    }
    expected, _ = ddpm.p_reverse(schedule, xt, eps, t)
    mean, _ = ddpm.p_reverse(schedule, xt, said[prediction], t, prediction=prediction)
    torch.testing.assert_close(mean, expected)


@pytest.mark.parametrize("variance", ["posterior", "beta"])
def test_samples_of_the_oracle_have_the_data_distribution(mixture, variance):
    schedule = NoiseSchedule.linear(400, 2.5e-4, 0.05)
    xT = normal(4000, 1, seed=8)
    model = mixture.model(schedule)
    x0 = ddpm.sample(model, schedule, xT.shape, None, seeded(), xT=xT, variance=variance)
    assert p_value(x0, mixture) > 1e-3


@pytest.mark.parametrize("wrong", [lambda σ: 0, lambda σ: σ**2, lambda σ: 1.2 * σ])
def test_samples_with_another_noise_do_not(mixture, wrong):
    schedule = NoiseSchedule.linear(400, 2.5e-4, 0.05)
    model, x, g = mixture.model(schedule), normal(4000, 1, seed=8), seeded()
    for t in range(400, 0, -1):
        σ = math.sqrt(schedule.beta(t)) * schedule.b(t - 1) / schedule.b(t)
        mean = ddpm.step(schedule, x, model(x, torch.full((4000,), t)), t)
        x = mean + wrong(σ) * torch.randn(x.shape, generator=g, dtype=F64)
    assert p_value(x, mixture) < 1e-6


def test_states_are_the_path_and_sample_their_end(mixture):
    schedule = NoiseSchedule.linear(20)
    states = list(
        ddpm.states(mixture.model(schedule), schedule, (5, 1), xT=normal(5, 1), generator=seeded())
    )
    assert [t for t, _ in states] == list(range(20, -1, -1))
    end = ddpm.sample(
        mixture.model(schedule), schedule, (5, 1), xT=normal(5, 1), generator=seeded()
    )
    assert torch.equal(states[-1][1], end)
    before = torch.random.get_rng_state()
    a, b = (ddpm.sample(curved, schedule, (2, 3), generator=seeded()) for _ in range(2))
    assert torch.equal(a, b) and a.dtype == torch.float32
    assert torch.equal(before, torch.random.get_rng_state())


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def test_zero_terminal_snr_needs_v_or_x0():
    schedule = NoiseSchedule.linear(50).rescaled_zero_terminal_snr()
    for prediction in ("v", "x0"):
        x = ddpm.sample(curved, schedule, (3, 2), generator=seeded(), prediction=prediction)
        assert x.isfinite().all()
    with pytest.raises(ValueError, match="eps does not determine x_0 where a_t = 0"):
        ddpm.sample(curved, schedule, (3, 2), generator=seeded())


# The losses --------------------------------------------------------------------------------------


@pytest.mark.parametrize("prediction", ["eps", "x0", "v", "mean"])
def test_loss_is_zero_for_whoever_knows_the_answer(prediction):
    schedule = NoiseSchedule.linear(100)
    x0 = normal(16, 1, 4, 4)

    def knowing(xt, t, cond):
        assert cond == "cond" and t.dtype == torch.int64 and t.min() >= 1
        a, b = schedule.rates(t, xt)
        eps = (xt - a * x0) / b
        mean, _ = ddpm.q_posterior(schedule, x0, xt, t)
        return {"eps": eps, "x0": x0, "v": a * eps - b * x0, "mean": mean}[prediction]

    loss = ddpm.loss(knowing, schedule, x0, "cond", seeded(), prediction)
    assert float(loss) < 1e-20


def test_loss_by_hand():
    schedule = NoiseSchedule.linear(100)
    x0 = normal(7, 2, dtype=torch.float32)
    g = seeded()
    t = torch.randint(1, 101, (7,), generator=g)
    eps = torch.randn(7, 2, generator=g)
    a, b = schedule.alpha_bars[t].sqrt(), (1 - schedule.alpha_bars[t]).sqrt()
    xt = a[:, None].float() * x0 + b[:, None].float() * eps
    expected = ((curved(xt, t) - eps) ** 2).mean()
    torch.testing.assert_close(ddpm.loss(curved, schedule, x0, generator=seeded()), expected)


def test_every_time_is_drawn():
    schedule = NoiseSchedule.linear(4)
    seen = []

    def spy(x, t, cond):
        seen.extend(t.tolist())
        return x

    ddpm.loss(spy, schedule, torch.zeros(400, 1), generator=seeded())
    counts = torch.bincount(torch.tensor(seen), minlength=5)
    assert counts[0] == 0 and counts[1:].min() > 60  # 100 expected, standard deviation 8.7


def test_bound_is_tight_where_the_reverse_chain_is_exact():
    """For x_0 ~ N(0, 1), eps = b x_t and variance β the model is exact: L is the entropy."""
    schedule = NoiseSchedule.linear(60, 1e-3, 0.3)
    x0 = normal(4000, 1)

    def perfect(x, t, cond):
        return schedule.b(t, x) * x

    terms = bound.vlb_terms(perfect, schedule, x0, None, seeded(), variance="beta", levels=None)
    assert terms.shape == (4000, 61)
    total = terms.sum(1)
    entropy = math.log2(2 * math.pi * math.e) / 2
    error = float(total.std()) / math.sqrt(4000)
    assert abs(float(total.mean()) - entropy) < 4 * error < 0.15
    worse = bound.vlb_terms(perfect, schedule, x0, None, seeded(), levels=None).sum(1)
    assert float(worse.mean()) > entropy + 4 * error


def test_no_loss_where_there_is_nothing_to_learn():
    """Data that is always the same: with the posterior variance only L_0 and L_T are not zero."""
    schedule = NoiseSchedule.linear(60, 1e-3, 0.01)  # too short: x_T is far from pure noise
    x0 = torch.full((8, 3), 0.5, dtype=F64)

    def knowing(x, t, cond):
        return (x - schedule.a(t, x) * 0.5) / schedule.b(t, x)

    terms = bound.vlb_terms(knowing, schedule, x0, None, seeded(), levels=5)
    assert float(terms[:, 1:-1].abs().max()) < 1e-12
    assert float(terms[:, 0].abs().max()) < 1e-6
    a, b = schedule.rates(60)
    prior = (a**2 * 0.5**2 + b**2 - 1 - math.log(b**2)) / 2 / math.log(2)
    torch.testing.assert_close(terms[:, 60], torch.full((8,), prior, dtype=F64))


def test_terms_are_the_weighted_simple_loss():
    """L_{t−1} = β² / (2 σ² α b²) ‖eps − prediction‖² (equation 12)."""
    schedule = NoiseSchedule.linear(50, 1e-3, 0.3)
    x0 = normal(5, 4)
    for variance in ("posterior", "beta"):
        terms = bound.vlb_terms(curved, schedule, x0, None, seeded(), variance=variance)
        g = seeded()
        for t in range(50, 1, -1):
            eps = torch.randn(x0.shape, generator=g, dtype=F64)
            xt = ddpm.q_sample(schedule, x0, t, eps)
            error = ((eps - curved(xt, torch.full((5,), t))) ** 2).mean(1)
            beta, b2 = float(schedule.betas[t]), schedule.b(t) ** 2
            sigma2 = beta if variance == "beta" else beta * schedule.b(t - 1) ** 2 / b2
            expected = beta**2 / (2 * sigma2 * (1 - beta) * b2) * error
            # β and β̃ differ: that much is left even for the right mean
            ratio = schedule.b(t - 1) ** 2 / b2 if variance == "beta" else 1.0
            constant = (ratio - 1 - math.log(ratio)) / 2
            torch.testing.assert_close(terms[:, t - 1] * math.log(2), expected + constant)


def test_variational_loss_estimates_the_bound():
    schedule = NoiseSchedule.linear(20, 1e-2, 0.5)
    x0 = normal(4000, 2).clamp(-1, 1)
    for variance, model in (("posterior", curved), ("learned", doubled)):
        terms = bound.vlb_terms(
            model, schedule, x0.reshape(-1, 2, 1), None, seeded(), variance=variance
        )
        exact = float(terms[:, :-1].sum(1).mean())
        estimates = torch.stack(
            [
                bound.variational_loss(
                    model, schedule, x0.reshape(-1, 2, 1), None, seeded(i), variance=variance
                )
                for i in range(20)
            ]
        )
        error = float(estimates.std()) / math.sqrt(20)
        assert abs(float(estimates.mean()) - exact) < 4 * error < 0.2 * exact


def test_learned_variance_has_a_gradient():
    schedule = NoiseSchedule.linear(50)
    layer = torch.nn.Conv1d(2, 4, 1)

    def model(x, t, cond):
        return layer(x)

    x0 = normal(8, 2, 5, dtype=torch.float32).clamp(-1, 1)
    bound.variational_loss(model, schedule, x0, None, seeded(), variance="learned").backward()
    assert layer.weight.grad.isfinite().all() and (layer.weight.grad[2:] != 0).all()


@given(
    mean=st.floats(-1.5, 1.5), log_variance=st.floats(-14, 1), levels=st.sampled_from([2, 17, 256])
)
@settings(max_examples=60, deadline=None)
def test_decoder_is_a_probability(mean, log_variance, levels):
    x0 = torch.linspace(-1, 1, levels, dtype=F64)
    log_prob = bound._decoder_log_prob(
        x0, torch.tensor(mean, dtype=F64), torch.tensor(log_variance, dtype=F64), levels
    )
    assert float(log_prob.exp().sum()) == pytest.approx(1, abs=1e-9)
    half, std = 1 / (levels - 1), math.exp(log_variance / 2)
    k = levels // 2
    low = norm.cdf((float(x0[k]) - half - mean) / std) if k > 0 else 0
    high = norm.cdf((float(x0[k]) + half - mean) / std) if k < levels - 1 else 1
    assert float(log_prob[k].exp()) == pytest.approx(high - low, abs=1e-9)


# Refusals ----------------------------------------------------------------------------------------

SCHEDULE = NoiseSchedule.linear(10)
X = torch.zeros(3, 2)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: ddpm.q_sample(SCHEDULE, X, 3, X[:1]), ValueError, r"x0 and eps .* and \(1, 2\)"),
        (lambda: ddpm.q_sample(SCHEDULE, X, 11, X), ValueError, r"in 0..10, got 11"),
        (lambda: ddpm.q_sample(SCHEDULE, X, 0.5, X), TypeError, r"got 0.5"),
        (lambda: ddpm.q_posterior(SCHEDULE, X, X[:, :1], 3), ValueError, r"x0 and xt"),
        (lambda: ddpm.q_posterior(SCHEDULE, X, X, 3, 3), ValueError, r"s = 3, t = 3"),
        (lambda: ddpm.q_posterior(SCHEDULE, X, X, 0), ValueError, r"in 0..10, got -1"),
        (lambda: ddpm.step(SCHEDULE, X, X[:1], 3), ValueError, r"xt and eps"),
        (lambda: ddpm.step(SCHEDULE, X, X, 3, noise=X[:1]), ValueError, r"xt and noise"),
        (lambda: ddpm.step(SCHEDULE, X, X, 3, 4), ValueError, r"s = 4, t = 3"),
        (
            lambda: ddpm.step(SCHEDULE, X, X, 3, variance="small"),
            ValueError,
            r"unknown variance 'small': use one of 'posterior', 'beta'",
        ),
        (lambda: ddpm.loss(curved, SCHEDULE, X / 0), ValueError, r"NaN or infinity in 6 of 6"),
        (lambda: ddpm.loss(curved, SCHEDULE, X.long()), TypeError, r"floating-point .*int64"),
        (lambda: ddpm.loss(doubled, SCHEDULE, X), ValueError, r"target and output .* \(3, 4\)"),
        (
            lambda: ddpm.loss(curved, SCHEDULE, X, prediction="noise"),
            ValueError,
            r"unknown prediction 'noise': use one of 'eps', 'x0', 'v', 'velocity', 'score', 'mean'",
        ),
        (lambda: bound.variational_loss(curved, SCHEDULE, X / 0), ValueError, r"NaN"),
        (
            lambda: bound.variational_loss(curved, SCHEDULE, X, variance="learned"),
            ValueError,
            r"needs 4 output channels, got \(3, 2\)",
        ),
        (lambda: bound.vlb_terms(curved, SCHEDULE, X / 0), ValueError, r"NaN"),
        (
            lambda: ddpm.sample(curved, SCHEDULE, (3, 2), timesteps=[3, 5, 0]),
            ValueError,
            r"descend strictly within 10..0, at least two, got \[3, 5, 0\]",
        ),
        (
            lambda: ddpm.sample(curved, SCHEDULE, (3, 2), timesteps=[11, 0]),
            ValueError,
            r"must lie in 0\.\.10, got 11",
        ),
        (lambda: ddpm.sample(curved, SCHEDULE, (3, 2), xT=X[:1]), ValueError, r"xT .* \(3, 2\)"),
        (lambda: ddpm.sample(doubled, SCHEDULE, (3, 2)), ValueError, r"xt and output"),
        (
            lambda: ddpm.sample(curved, SCHEDULE, (3, 2), variance="large"),
            ValueError,
            r"unknown variance 'large': use one of 'posterior', 'beta', 'learned'",
        ),
    ],
)  # fmt: skip
def test_refusals(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_progress_bar(capsys):
    ddpm.sample(curved, SCHEDULE, (1, 2), progress=True)
    assert "10/10" in capsys.readouterr().err
