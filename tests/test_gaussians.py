"""Gaussians against torch.distributions, SciPy, autograd and Monte Carlo."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from torch.distributions import Categorical, MixtureSameFamily, MultivariateNormal, kl_divergence

from genbook import ddim, ddpm, gaussians, paths
from genbook.gaussians import GaussianMixture
from genbook.schedules import NoiseSchedule

F64 = torch.float64
few = settings(max_examples=40, deadline=None)
seeds = st.integers(0, 10_000)
DIMENSIONS = [1, 2, 64]


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def random_gaussian(D, seed, dtype=F64):
    g = seeded(seed)
    root = torch.randn(D, D, generator=g, dtype=F64)
    eye = torch.eye(D, dtype=F64)
    return torch.randn(D, generator=g, dtype=F64).to(dtype), (root @ root.T / D + 0.1 * eye).to(
        dtype
    )


def random_mixture(D, K=3, seed=0, dtype=F64):
    means, covariances = zip(*[random_gaussian(D, 100 * seed + k) for k in range(K)], strict=True)
    weights = torch.rand(K, generator=seeded(seed), dtype=F64) + 0.1
    parts = (weights / weights.sum(), torch.stack(means), torch.stack(covariances))
    return GaussianMixture(*(part.to(dtype) for part in parts))


def peer(mixture):
    """The same mixture in torch.distributions, in double precision."""
    return MixtureSameFamily(
        Categorical(mixture.weights.double()),
        MultivariateNormal(mixture.means.double(), mixture.covariances.double()),
    )


def within_errors(samples, expected, z=5.0):
    """Whether the mean of samples (n, …) lies within z standard errors of what is expected."""
    error = samples.std(0) / math.sqrt(len(samples))
    assert ((samples.mean(0) - expected).abs() <= z * error + 1e-12).all()


# Density, score and sampling -------------------------------------------------------------------


@pytest.mark.parametrize("D", DIMENSIONS)
@pytest.mark.parametrize(("dtype", "rtol"), [(torch.float32, 1e-4), (F64, 1e-10)])
def test_density_and_score_like_torch_distributions(D, dtype, rtol):
    mixture = random_mixture(D, dtype=dtype)
    x = peer(mixture).sample((50,)).requires_grad_()
    log_prob = peer(mixture).log_prob(x)
    (score,) = torch.autograd.grad(log_prob.sum(), x)
    got = mixture.log_prob(x.detach().to(dtype))
    assert got.dtype == dtype and got.shape == (50,)
    torch.testing.assert_close(got.double(), log_prob.detach(), rtol=rtol, atol=rtol * D)
    got = mixture.score(x.detach().to(dtype)).double()
    torch.testing.assert_close(got, score, rtol=10 * rtol, atol=10 * rtol)


@few
@given(
    seed=seeds, D=st.integers(1, 4), K=st.integers(1, 4), a=st.floats(0, 2), b=st.floats(0.05, 3)
)
def test_the_score_is_the_gradient_of_our_own_density(seed, D, K, a, b):
    mixture = random_mixture(D, K, seed).at(a, b)
    x = torch.randn(2, 3, D, generator=seeded(seed), dtype=F64, requires_grad=True)
    (gradient,) = torch.autograd.grad(mixture.log_prob(x).sum(), x)
    torch.testing.assert_close(mixture.score(x.detach()), gradient, rtol=1e-8, atol=1e-9)


@few
@given(seed=seeds, a=st.floats(0, 2), b=st.floats(0.01, 3), c=st.floats(-2, 2), d=st.floats(0, 2))
def test_at_is_the_mixture_with_noised_covariances_and_composes(seed, a, b, c, d):
    mixture = random_mixture(3, seed=seed)
    by_hand = GaussianMixture(
        mixture.weights,
        a * mixture.means,
        a**2 * mixture.covariances + b**2 * torch.eye(3).double(),
    )
    x = torch.randn(5, 3, generator=seeded(seed), dtype=F64)
    noised = mixture.at(a, b)
    torch.testing.assert_close(noised.log_prob(x), by_hand.log_prob(x), rtol=1e-9, atol=1e-9)
    torch.testing.assert_close(noised.covariances, by_hand.covariances)
    if math.hypot(c * b, d) > 1e-3:  # noise upon noise
        again, at_once = noised.at(c, d), mixture.at(c * a, math.hypot(c * b, d))
        x = at_once.mean + x * at_once.covariance.diagonal().sqrt()
        torch.testing.assert_close(again.log_prob(x), at_once.log_prob(x), rtol=1e-8, atol=1e-8)


@pytest.mark.parametrize("D", DIMENSIONS)
def test_samples_have_the_moments_and_the_shares(D):
    mixture = random_mixture(D)
    x = mixture.sample(20_000, seeded(1))
    within_errors(x, mixture.mean)
    apart = x - mixture.mean
    within_errors(apart[:, :, None] * apart[:, None], mixture.covariance, z=6.0)
    within_errors(mixture.responsibilities(x), mixture.weights)


def test_samples_on_a_line_and_the_cdf(mixture):
    x = mixture.sample(5000, seeded(2))[:, 0]
    assert stats.kstest(x.numpy(), lambda v: mixture.cdf(torch.as_tensor(v)).numpy()).pvalue > 1e-3
    grid = torch.linspace(-2, 2, 9, dtype=F64)
    scales = mixture.covariances[:, 0, 0].sqrt()
    by_scipy = sum(
        float(w) * stats.norm.cdf(grid.numpy(), float(m), float(s))
        for w, m, s in zip(mixture.weights, mixture.means[:, 0], scales, strict=True)
    )
    np.testing.assert_allclose(mixture.cdf(grid).numpy(), by_scipy, rtol=1e-10, atol=1e-15)
    x = grid.clone().requires_grad_()
    (density,) = torch.autograd.grad(mixture.cdf(x).sum(), x)
    torch.testing.assert_close(density, mixture.log_prob(grid[:, None]).exp())


def test_noised_samples_are_samples_of_the_noised_mixture(mixture):
    g = seeded(3)
    x0 = mixture.sample(50_000, g)
    xt = 0.6 * x0 + 0.8 * torch.randn(x0.shape, generator=g, dtype=F64)
    for rates, fits in (((0.6, 0.8), True), ((0.6, 0.8**2), False), ((0.6**2, 0.8), False)):
        cdf = mixture.at(*rates).cdf
        p = stats.kstest(
            xt[:, 0].numpy(), lambda v, cdf=cdf: cdf(torch.as_tensor(v)).numpy()
        ).pvalue
        assert (p > 1e-3) == fits


def test_sampling_is_seeded_and_leaves_the_global_generator_alone(plane):
    torch.manual_seed(5)
    before = torch.get_rng_state()
    x = plane.sample(7, seeded(4))
    assert torch.equal(before, torch.get_rng_state())
    assert torch.equal(x, plane.sample(7, seeded(4))) and x.shape == (7, 2)
    assert plane.to(torch.float32).sample(3).dtype == torch.float32


# The best guess --------------------------------------------------------------------------------


@pytest.mark.parametrize(("a", "b"), [(0.8, 0.6), (1.0, 3.0), (0.3, 0.1), (0.0, 1.0)])
def test_posterior_mean_is_the_regression_of_data_on_noised_data(plane, a, b):
    """x_0 − E[x_0 | x_t] is uncorrelated with every function of x_t (n = 40,000)."""
    g = seeded(6)
    x0, eps = plane.sample(40_000, g), torch.randn(40_000, 2, generator=g, dtype=F64)
    xt = a * x0 + b * eps
    for rest in (x0 - plane.posterior_mean(xt, a, b), eps - plane.eps(xt, a, b)):
        for function in (xt[:, :1], xt[:, 1:] ** 2, torch.sin(3 * xt[:, :1]), torch.ones(1, 1)):
            within_errors(rest * function, torch.zeros(2).double())


def test_posterior_mean_by_weighing_the_data(mixture):
    """Bayes' rule with draws of x_0, each weighed by how likely it leads to this x_t."""
    x0, a, b, here = mixture.sample(200_000, seeded(7))[:, 0], 0.7, 0.5, 0.1
    weight = (-((here - a * x0) ** 2) / (2 * b**2)).exp()
    guess = (weight * x0).mean() / weight.mean()
    error = (weight * (x0 - guess)).std() / weight.mean() / math.sqrt(len(x0))
    exact = mixture.posterior_mean(torch.tensor([[here]], dtype=F64), a, b).item()
    assert abs(guess - exact) < 4 * error < 0.02


@few
@given(seed=seeds, D=st.integers(1, 3), a=st.floats(0.1, 2), b=st.floats(0.01, 3))
def test_tweedie_ties_the_three_predictions(seed, D, a, b):
    mixture = random_mixture(D, seed=seed)
    x = torch.randn(4, D, generator=seeded(seed), dtype=F64)
    x0, eps, score = (
        mixture.posterior_mean(x, a, b),
        mixture.eps(x, a, b),
        mixture.at(a, b).score(x),
    )
    torch.testing.assert_close(x0, (x + b**2 * score) / a, rtol=1e-7, atol=1e-8)
    torch.testing.assert_close(a * x0 + b * eps, x, rtol=1e-9, atol=1e-9)
    torch.testing.assert_close(eps, paths.to_eps(score, x, a, b, "score"), rtol=1e-9, atol=1e-9)


def test_the_ends_of_the_path(plane):
    x = plane.sample(4, seeded())
    torch.testing.assert_close(plane.posterior_mean(x, 1.0, 0.0), x)
    torch.testing.assert_close(plane.posterior_mean(x, 0.0, 1.0), plane.mean.expand(4, 2))
    torch.testing.assert_close(plane.eps(x, 0.0, 2.0), x / 2)
    assert not plane.eps(x, 1.0, 0.0).any()


def test_rates_of_another_type_are_taken_over(plane):
    """A number beside a tensor keeps its digits, and rates in double precision fit any mixture."""
    x = torch.randn(6, 2, generator=seeded(1), dtype=F64)
    b = torch.full((6,), 0.8, dtype=F64)
    for method in (plane.eps, plane.posterior_mean):
        torch.testing.assert_close(method(x, 0.6, b), method(x, 0.6, 0.8), rtol=1e-13, atol=1e-13)
    single = plane.to(torch.float32)
    got = single.eps(x.float(), b * 0.75, b)
    assert got.dtype == torch.float32
    torch.testing.assert_close(got, single.eps(x.float(), 0.6, 0.8))


def test_a_rate_that_does_not_fit_the_samples_is_refused(plane):
    x = torch.zeros(5, 2, dtype=F64)
    for rate in (torch.ones(5, 1), torch.ones(4), torch.ones(1), torch.ones(5, 2)):
        for rates in ((0.6, rate), (rate, 0.6)):
            with pytest.raises(ValueError, match=r"one entry for each sample, shape \(5,\)"):
                plane.eps(x, *rates)
    assert plane.eps(x[None], 0.6, torch.ones(1, 5)).shape == (1, 5, 2)


def test_rates_and_labels_for_each_sample(plane):
    x = torch.randn(6, 2, generator=seeded(1), dtype=F64)
    a, b = torch.linspace(0, 1, 6, dtype=F64), torch.linspace(1, 0.1, 6, dtype=F64)
    labels = torch.tensor([0, 1, 2, 3, 1, 0])
    for method in (plane.eps, plane.posterior_mean):
        together, known = method(x, a, b), method(x, a, b, labels)
        for i in range(6):
            alone = method(x[i], float(a[i]), float(b[i]))
            torch.testing.assert_close(together[i], alone)
            if labels[i] < 3:  # the label 3 says nothing
                k = labels[i : i + 1]
                only = GaussianMixture(torch.ones(1).double(), plane.means[k], plane.covariances[k])
                only_method = getattr(only, method.__name__)
                alone = only_method(x[i], float(a[i]), float(b[i]))
            torch.testing.assert_close(known[i], alone)


# As a network ------------------------------------------------------------------------------------


def test_the_model_is_a_network_for_the_samplers(plane):
    schedule = NoiseSchedule.linear(1000)
    model = plane.model(schedule)
    x = torch.randn(5, 2, generator=seeded(), dtype=F64)
    a, b = schedule.rates(300)
    expected = plane.eps(x, a, b)
    for t in (300, torch.tensor(300), torch.tensor([300]), torch.full((5,), 300)):
        assert torch.equal(model(x, t), expected)
    times = torch.tensor([1, 10, 300, 999, 1000])
    mixed = model(x, times)
    torch.testing.assert_close(mixed[2], expected[2])
    torch.testing.assert_close(mixed[0], model(x, 1)[0])
    labels = torch.tensor([0, 0, 1, 2, 3])
    torch.testing.assert_close(model(x, 300, labels), plane.eps(x, a, b, labels))

    g = seeded(1)
    for x0 in (
        ddim.sample(model, schedule, (4000, 2), 100, xT=torch.randn(4000, 2, generator=g).double()),
        ddpm.sample(
            model,
            NoiseSchedule.linear(1000),
            (4000, 2),
            xT=torch.randn(4000, 2, generator=g).double(),
            generator=g,
            timesteps=ddim.timesteps(1000, 250),
        ),
    ):
        within_errors(plane.responsibilities(x0), plane.weights, z=6.0)
        torch.testing.assert_close(x0.mean(0), plane.mean, rtol=0, atol=0.05)
        torch.testing.assert_close(torch.cov(x0.T), plane.covariance, rtol=0, atol=0.05)


def test_the_model_takes_images_and_its_loss_is_the_least():
    mixture, schedule = random_mixture(4).to(torch.float32), NoiseSchedule.linear(50, 2e-3, 0.3)
    images = mixture.sample(4000, seeded()).reshape(-1, 1, 2, 2)
    model = mixture.model(schedule)

    def others(x, t, cond=None):
        return 1.05 * model(x, t, cond)

    least, more = (ddpm.loss(m, schedule, images, generator=seeded(1)) for m in (model, others))
    assert least < more


# A mixture as a whole ----------------------------------------------------------------------------


def test_fit_takes_the_moments_of_each_class():
    mixture = random_mixture(3, seed=2)
    x = mixture.sample(300, seeded())
    labels = torch.arange(300) % 2
    fitted = GaussianMixture.fit(x.reshape(300, 1, 3), labels, ridge=0.25)
    assert fitted.weights.tolist() == [0.5, 0.5]
    torch.testing.assert_close(fitted.means[1], x[1::2].mean(0))
    expected = np.cov(x[::2].numpy().T) + 0.25 * np.eye(3)
    np.testing.assert_allclose(fitted.covariances[0].numpy(), expected, rtol=1e-10)
    line = GaussianMixture.fit(x[:, :1], labels)
    assert line.covariances.shape == (2, 1, 1)
    with pytest.raises(ValueError, match="class 1 needs at least two"):
        GaussianMixture.fit(x[:5], torch.tensor([0, 0, 1, 2, 2]))
    with pytest.raises(ValueError, match=r"labels must have shape \(5,\)"):
        GaussianMixture.fit(x[:5], torch.zeros(4).long())


def test_fit_refuses_what_it_cannot_fit():
    x = random_mixture(3).sample(4, seeded())
    pairs = torch.tensor([0, 0, 1, 1])
    for error, message, arguments in (
        (TypeError, "labels must be integers, not torch.float32", (x, pairs.float())),
        (TypeError, "labels must be integers, not torch.bool", (x, pairs.bool())),
        (ValueError, "labels must not be negative, got -1", (x, pairs - 1)),
        (ValueError, r"x must have shape \(N, …\) with N > 0", (x[:0], pairs[:0])),
        (ValueError, r"x must have shape", (x[:, 0], pairs)),
        (TypeError, "x must be floating-point", (x.long(), pairs)),
        (ValueError, "x must be finite", (x * math.inf, pairs)),
        (ValueError, "must not be negative, got -0.1", (x, pairs, -0.1)),
        (ValueError, "must not be negative, got nan", (x, pairs, math.nan)),
    ):
        with pytest.raises(error, match=message):
            GaussianMixture.fit(*arguments)


def test_a_mixture_keeps_its_parts_when_the_caller_changes_them():
    means, covariances = M.clone(), C.clone()
    mixture = GaussianMixture(W, means, covariances)
    means += 1
    covariances *= 2
    assert not mixture.mean.any() and torch.equal(mixture.covariances, C)


def test_to_another_type_and_back(plane):
    with pytest.raises(TypeError, match="needs a floating-point type, not torch"):
        plane.to(torch.int64)
    with pytest.raises(ValueError, match="n must be at least 1, got 0"):
        plane.sample(0)
    single = plane.to(torch.float32)
    assert single.means.dtype == single.log_prob(single.means).dtype == torch.float32
    torch.testing.assert_close(single.to(F64).means, plane.means, rtol=1e-6, atol=1e-7)
    assert repr(single) == "GaussianMixture(K=3, D=2, float32)"


def test_a_mixture_made_finer_is_exact_to_the_new_precision():
    mixture = random_mixture(64, dtype=torch.float32).to(F64)
    x = peer(mixture).sample((5,)).requires_grad_()
    (score,) = torch.autograd.grad(peer(mixture).log_prob(x).sum(), x)
    torch.testing.assert_close(mixture.score(x.detach()), score, rtol=1e-9, atol=1e-9)


def test_far_from_all_data_nothing_overflows(plane):
    """The log-density is a parabola there, and the score its slope."""
    x = torch.tensor([[1e6, -1e6]], dtype=F64)
    assert plane.log_prob(x).isfinite().all()
    k = int(plane.responsibilities(x).argmax())
    pull = -(x - plane.means[k]) / plane.covariances[k, 0, 0]
    torch.testing.assert_close(plane.score(x), pull)


@pytest.mark.parametrize("n", [1, 1000])
def test_a_far_point_is_judged_alone(n):
    """The sum over a batch may overflow where no log-density does."""
    mixture = random_mixture(2, dtype=torch.float32)
    assert mixture.log_prob(torch.full((n, 2), 1e18)).isfinite().all()
    with pytest.raises(ValueError, match="x must be finite and not astronomically large"):
        mixture.log_prob(torch.full((n, 2), 1e30))


# The arithmetic ----------------------------------------------------------------------------------


@few
@given(seed=seeds, D=st.integers(1, 6))
def test_kl_like_torch_distributions(seed, D):
    p, q = random_gaussian(D, seed), random_gaussian(D, seed + 1)
    expected = kl_divergence(MultivariateNormal(*p), MultivariateNormal(*q))
    torch.testing.assert_close(gaussians.kl(*p, *q), expected, rtol=1e-9, atol=1e-10)
    assert abs(gaussians.kl(*p, *p)) < 1e-10
    assert gaussians.kl(*[part[None][:0] for part in (*p, *q)]).shape == (0,)
    both = [torch.stack(pair) for pair in zip(p, q, strict=True)]
    torch.testing.assert_close(gaussians.kl(*both, *q)[0], expected, rtol=1e-9, atol=1e-10)


@few
@given(seed=seeds, D=st.integers(1, 5))
def test_product_of_densities(seed, D):
    p, q = random_gaussian(D, seed), random_gaussian(D, seed + 1)
    mean, covariance, log_z = gaussians.product(*p, *q)
    x = torch.randn(5, D, generator=seeded(seed), dtype=F64)
    left = MultivariateNormal(*p).log_prob(x) + MultivariateNormal(*q).log_prob(x)
    right = log_z + MultivariateNormal(mean, covariance).log_prob(x)
    torch.testing.assert_close(left, right, rtol=1e-8, atol=1e-8)


@few
@given(seed=seeds, D=st.integers(2, 6), data=st.data())
def test_the_joint_is_the_marginal_times_the_conditional(seed, D, data):
    mean, covariance = random_gaussian(D, seed)
    known = data.draw(st.permutations(range(D)))[: data.draw(st.integers(1, D - 1))]
    unknown = [i for i in range(D) if i not in known]
    x = torch.randn(4, D, generator=seeded(seed), dtype=F64)
    means, rest = gaussians.condition(mean, covariance, known, x[:, known])
    marginal = MultivariateNormal(mean[known], covariance[known][:, known])
    conditional = MultivariateNormal(means, rest)
    torch.testing.assert_close(
        marginal.log_prob(x[:, known]) + conditional.log_prob(x[:, unknown]),
        MultivariateNormal(mean, covariance).log_prob(x),
        rtol=1e-8,
        atol=1e-8,
    )


def test_linear_map_of_samples():
    (mean, covariance), g = random_gaussian(3, 8), seeded(8)
    A, c = torch.randn(2, 3, generator=g, dtype=F64), torch.tensor([1.0, -2.0]).double()
    noise = 0.3 * torch.eye(2, dtype=F64)
    m, C = gaussians.linear_map(mean, covariance, A, c, noise)
    x = MultivariateNormal(mean, covariance).sample((40_000,))
    y = x @ A.T + c + 0.3**0.5 * torch.randn(40_000, 2, generator=g, dtype=F64)
    within_errors(y, m)
    within_errors((y - m)[:, :, None] * (y - m)[:, None], C)
    plain, spread = gaussians.linear_map(mean, covariance, A)
    torch.testing.assert_close(plain, m - c)
    torch.testing.assert_close(spread, C - noise)
    batch = torch.stack([A, 2 * A]), torch.stack([c, -c]), torch.stack([noise, 0 * noise])
    means, covariances = gaussians.linear_map(mean, covariance, *batch)
    torch.testing.assert_close(means, torch.stack([m, 2 * (m - c) - c]))
    torch.testing.assert_close(covariances, torch.stack([C, 4 * (C - noise)]))


EYE2 = torch.eye(2, dtype=F64)


@pytest.mark.parametrize(
    ("shift", "noise", "message"),
    [
        (0.0, 0.2, r"0 or a covariance of shape \(2, 2\), not \(\)"),
        (0.0, torch.ones(2).double(), r"0 or a covariance of shape \(2, 2\), not \(2,\)"),
        (0.0, torch.eye(3).double(), r"0 or a covariance of shape \(2, 2\), not \(3, 3\)"),
        (0.0, math.nan, "noise must be finite"),
        (0.0, math.nan * EYE2, "noise must be finite"),
        (0.0, EYE2 + torch.tensor([[0, 0.1], [0, 0]]), "the noise must be symmetric"),
        (0.0, -0.1 * EYE2, "the noise has a negative eigenvalue -0.1"),
        (1.0, 0.0, r"shift must be 0 or have shape \(2,\), not \(\)"),
        (torch.ones(3).double(), 0.0, r"shift must be 0 or have shape \(2,\), not \(3,\)"),
        (torch.full((2,), math.nan).double(), 0.0, "shift must be finite"),
    ],
)
def test_a_shift_or_a_noise_that_is_none_is_refused(shift, noise, message):
    mean, covariance = random_gaussian(3, 8)
    with pytest.raises((ValueError, TypeError), match=message):
        gaussians.linear_map(mean, covariance, torch.eye(3, dtype=F64)[:2], shift, noise)


def test_noise_of_one_dimension_is_a_matrix_too():
    mean, covariance = random_gaussian(3, 8)
    with pytest.raises(ValueError, match=r"covariance of shape \(1, 1\), not \(3, 3\)"):
        gaussians.linear_map(
            mean, covariance, torch.ones(1, 3).double(), 0.0, torch.eye(3).double()
        )


@pytest.mark.parametrize("swap", [False, True])
def test_the_product_with_a_far_surer_witness_keeps_its_variance(swap):
    eye = torch.eye(2)
    pair = [(torch.ones(2), 1e8 * eye), (torch.zeros(2), eye)]
    mean, covariance, _ = gaussians.product(
        *(part for one in pair[:: -1 if swap else 1] for part in one)
    )
    torch.testing.assert_close(covariance, eye)
    torch.testing.assert_close(mean, torch.zeros(2), atol=1e-6, rtol=0)


def test_conditioning_a_noised_gaussian_is_the_posterior_mean():
    """Three ways to E[x_0 | x_t]: the joint distribution, the product of densities, the mixture."""
    (m, C), a, b = random_gaussian(3, 9), 0.6, 0.8
    eye, xt = torch.eye(3, dtype=F64), torch.tensor([0.3, -0.2, 1.0], dtype=F64)
    joint_mean, joint = gaussians.linear_map(
        m, C, torch.cat([eye, a * eye]), 0.0, torch.block_diag(0 * eye, b**2 * eye)
    )
    by_joint, _ = gaussians.condition(joint_mean, joint, [3, 4, 5], xt)
    by_product, _, _ = gaussians.product(m, C, xt / a, (b / a) ** 2 * eye)
    mixture = GaussianMixture(torch.ones(1).double(), m[None], C[None])
    torch.testing.assert_close(by_joint, by_product)
    torch.testing.assert_close(by_joint, mixture.posterior_mean(xt, a, b))


# Refusals ----------------------------------------------------------------------------------------

W, M, C = torch.tensor([0.4, 0.6]), torch.zeros(2, 3), torch.eye(3).repeat(2, 1, 1)
NAN = torch.full((2, 3), math.nan)
LEANING = C + torch.tensor([[0, 0.1, 0], [0, 0, 0], [0, 0, 0]])
BESIDE = torch.stack([1e4 * C[0], LEANING[1] + torch.tensor([[0, 2e-3, 0], [0, 0, 0], [0, 0, 0]])])
SINGULAR = C.clone()
SINGULAR[1, 2, 2] = 0
REFUSED = {
    "weights must be positive, got -0.5": (torch.tensor([-0.5, 1.5]), M, C),
    "weights must be positive, got 0": (torch.tensor([0.0, 1.0]), M, C),
    "weights must sum to 1, their sum is 0.9": (torch.tensor([0.4, 0.5]), M, C),
    "weights must have shape (K,), not (1, 2)": (W[None], M, C),
    "2 weights need means of shape (2, D), not (3, 3)": (W, torch.zeros(3, 3), C),
    "need covariances of shape (2, 3, 3), not (2, 3)": (W, M, M),
    "means must be finite": (W, NAN, C),
    "covariances must be symmetric, entries differ by 0.1": (W, M, LEANING),
    "covariances must be symmetric, entries differ by 0.102": (W, M, BESIDE),
    "covariance 1 is not positive definite to within float32 (": (W, M, SINGULAR),
    "covariance 0 is not positive definite": (W, M, -C),
}


@pytest.mark.parametrize("message", REFUSED)
def test_a_mixture_that_is_none_is_refused(message):
    with pytest.raises(ValueError) as error:
        GaussianMixture(*REFUSED[message])
    assert message in str(error.value)


def test_a_singular_covariance_is_refused_although_rounding_may_hide_it():
    direction = torch.randn(40, 3, generator=seeded())
    with pytest.raises(ValueError, match="not positive definite"):
        GaussianMixture(torch.ones(1), torch.zeros(1, 40), (direction @ direction.T)[None])


def test_types_are_refused():
    with pytest.raises(TypeError, match="means must be floating-point"):
        GaussianMixture(W, M.long(), C)
    with pytest.raises(TypeError, match=r"one type, got weights \S+32, means \S+64"):
        GaussianMixture(W, M.double(), C)
    mixture = GaussianMixture(W, M, C)
    with pytest.raises(TypeError, match=r"x is torch.float64 and the mixture torch.float32"):
        mixture.log_prob(torch.zeros(1, 3, dtype=F64))


@pytest.mark.parametrize(
    ("a", "b", "message"),
    [
        (1.0, -0.1, "b is a standard deviation and must not be negative, got -0.1"),
        (math.nan, 1.0, "a and b must be finite"),
        (0.0, 0.0, "nothing random"),
        (1e-200, 0.0, "nothing random"),  # its square is zero
        (0.0, 1.83e-202, "a = 0.0 and b = 1.83e-202 .*nothing random"),
        (0.0, 1e-30, "a = 0.0 and b = 1e-30 leave nothing random.* float32"),
        (0.0, 1e30, "a = 0.0 and b = 1e[+]30 .* too much: .* infinite in float32"),
        (0.0, 1e200, "so must their squares, got 0.0 and 1e[+]200"),
        (1e160, 1e160, "so must their squares, got 1e[+]160"),
        (math.inf, 0.0, "a and b must be finite"),
        (torch.ones(2), torch.tensor([0.1, -1.0]), "must not be negative"),
        (torch.zeros(2), torch.tensor([1.0, 0.0]), "nothing random"),
        (torch.tensor([1.0, math.inf]), torch.ones(2), "must be finite"),
    ],
)
def test_rates_of_no_path_are_refused(a, b, message):
    mixture = GaussianMixture(W, M, C)
    for method in (mixture.eps, mixture.posterior_mean):
        with pytest.raises(ValueError, match=message):
            method(torch.zeros(2, 3), a, b)
    if isinstance(a, float):
        with pytest.raises(ValueError, match=message):
            mixture.at(a, b)


def test_points_and_labels_that_do_not_fit_are_refused():
    mixture = GaussianMixture(W, M, C)
    with pytest.raises(ValueError, match=r"x must have shape \(…, 3\), not \(5, 2\)"):
        mixture.score(torch.zeros(5, 2))
    for bad in (math.nan, math.inf):
        with pytest.raises(ValueError, match="x must be finite"):
            mixture.score(torch.full((5, 3), bad))
    with pytest.raises(ValueError, match="D = 1, this mixture has D = 3"):
        mixture.cdf(torch.zeros(3))
    with pytest.raises(ValueError, match=r"labels must lie in 0..2"):
        mixture.eps(torch.zeros(2, 3), 1.0, 1.0, torch.tensor([0, 3]))
    with pytest.raises(ValueError, match=r"integers of shape \(2,\)"):
        mixture.eps(torch.zeros(2, 3), 1.0, 1.0, torch.tensor([0, 1, 1]))


TWO, ROUND = torch.tensor([0.5, -1.0]).double(), torch.tensor([[2.0, 0.3], [0.3, 1.0]]).double()
GIVEN = {  # the tensors of each function, with the covariances last
    "linear_map": {"matrix": ROUND, "mean": TWO, "covariance": ROUND},
    "product": {"mean1": TWO, "mean2": TWO, "covariance1": ROUND, "covariance2": ROUND},
    "condition": {"value": TWO[:1], "mean": TWO, "covariance": ROUND},
    "kl": {"mean1": TWO, "mean2": TWO, "covariance1": ROUND, "covariance2": ROUND},
}


@pytest.mark.parametrize(
    ("name", "argument"), [(name, key) for name, given in GIVEN.items() for key in given]
)
def test_arithmetic_looks_at_each_argument(name, argument):
    """Types, NaN, lists of numbers, and covariances that are none, wherever they stand."""

    def call(value):
        known = {"known": [0]} if name == "condition" else {}
        return getattr(gaussians, name)(**(GIVEN[name] | known | {argument: value}))

    right = GIVEN[name][argument]
    torch.testing.assert_close(call(np.asarray(right)), call(right))
    with pytest.raises(TypeError, match=f"{argument} must be floating-point"):
        call(right.long())
    with pytest.raises(TypeError, match="all must be of one type"):
        call(right.float())
    with pytest.raises(ValueError, match=f"{argument} must be finite"):
        call(right * math.nan)
    if argument.startswith("covariance"):
        with pytest.raises(ValueError, match="not positive definite"):
            call(-right)
        with pytest.raises(ValueError, match="must be symmetric"):
            call(right.triu())


def test_arithmetic_refuses_what_does_not_fit():
    (m, c), (wide, of_wide) = random_gaussian(2, 0), random_gaussian(3, 0)
    with pytest.raises(ValueError, match=r"a mean \(D,\) needs a covariance \(D, D\)"):
        gaussians.kl(m, of_wide, m, c)
    with pytest.raises(ValueError, match="have 2 and 3 dimensions"):
        gaussians.product(m, c, wide, of_wide)
    with pytest.raises(ValueError, match="have 2 and 3 dimensions"):
        gaussians.kl(m, c, wide, of_wide)
    with pytest.raises(ValueError, match="not positive definite"):
        gaussians.kl(m, -c, m, c)
    with pytest.raises(ValueError, match="must be symmetric"):
        gaussians.kl(m, torch.tensor([[1.0, 0.5], [0.0, 1.0]]).double(), m, c)
    for known in ([], [0, 0], [2], [0, 1], [-1]):
        with pytest.raises(ValueError, match="known must be some, not all"):
            gaussians.condition(m, c, known, m[: len(known)])
    for known in (torch.tensor([0, 0]), [2]):
        with pytest.raises(ValueError, match="known must be some, not all"):
            gaussians.condition(m, c, known, m)
    for known in (torch.tensor([True, False]), [True], [0.0], torch.tensor([0.0]), "0"):
        with pytest.raises(TypeError, match="known must hold indices"):
            gaussians.condition(m, c, known, m[:1])
    for known in (torch.tensor([1]), torch.tensor(1), np.array([1])):
        torch.testing.assert_close(
            gaussians.condition(m, c, known, m[:1]), gaussians.condition(m, c, [1], m[:1])
        )
    for batch in ((m[None], c), (m, c[None])):
        with pytest.raises(ValueError, match="only the values may come in batches"):
            gaussians.condition(*batch, [0], m[:1])
    with pytest.raises(ValueError, match="1 known entries need as many values"):
        gaussians.condition(m, c, [0], m)
    with pytest.raises(ValueError, match=r"the matrix must have shape \(E, 2\)"):
        gaussians.linear_map(m, c, torch.eye(3).double())
