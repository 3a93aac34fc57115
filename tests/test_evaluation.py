"""Measures of quality against closed forms, SciPy, scikit-learn, torchmetrics and prdc."""

import math

import numpy as np
import pytest
import scipy.linalg
import scipy.spatial
import scipy.stats
import torch
from sklearn.metrics import pairwise
from sklearn.neighbors import NearestNeighbors

from genbook import evaluation
from genbook.data import digits
from genbook.evaluation.frechet import _distance, _factor, _quick


def generator(seed):
    return torch.Generator().manual_seed(seed)


def gaussian(n, mean, covariance, seed=0):
    """A sample whose mean and covariance are exactly the given ones."""
    mean, covariance = torch.as_tensor(mean).double(), torch.as_tensor(covariance).double()
    x = torch.randn(n, len(mean), generator=torch.Generator().manual_seed(seed)).double()
    x = x - x.mean(0)
    x = torch.linalg.solve_triangular(torch.linalg.cholesky(torch.cov(x.T)), x.T, upper=False).T
    return mean + x @ torch.linalg.cholesky(covariance).T


def test_frechet_closed_form_for_commuting_covariances():
    a = gaussian(50, [1.0, 2.0, 3.0], torch.diag(torch.tensor([1.0, 4.0, 9.0])))
    b = gaussian(60, [1.0, 0.0, 3.0], torch.diag(torch.tensor([4.0, 4.0, 1.0])), seed=1)
    # The squared differences of means and of standard deviations: 4 + (1 - 2)^2 + 0 + (3 - 1)^2.
    assert evaluation.frechet(a, b) == pytest.approx(9.0, rel=1e-9)


@pytest.mark.parametrize("d", [1, 2, 10, 32])
def test_frechet_agrees_with_scipy_sqrtm(d):
    rng = np.random.default_rng(d)
    a = rng.normal(size=(3 * d + 5, d)) @ rng.normal(size=(d, d))
    b = rng.normal(size=(4 * d + 5, d)) @ rng.normal(size=(d, d)) + 0.3
    ca, cb = np.atleast_2d(np.cov(a.T)), np.atleast_2d(np.cov(b.T))
    root = scipy.linalg.sqrtm(ca @ cb)
    expected = ((a.mean(0) - b.mean(0)) ** 2).sum() + np.trace(ca + cb - 2 * root.real)
    found = evaluation.frechet(torch.from_numpy(a), torch.from_numpy(b))
    assert found == pytest.approx(expected, rel=1e-6)
    assert evaluation.frechet(torch.from_numpy(b), torch.from_numpy(a)) == pytest.approx(
        found, rel=1e-9
    )


def test_frechet_of_a_sample_and_itself_is_zero_even_when_singular():
    x = torch.randn(10, 32, dtype=torch.float64)  # rank 9 of 32
    assert evaluation.frechet(x, x) == pytest.approx(0.0, abs=1e-6)
    assert evaluation.frechet(x, x + 1) == pytest.approx(32.0, rel=1e-6)


def plain_frechet(a, b):
    """By the form that the page shows."""
    return _distance(a.mean(0), _factor(a), b.mean(0), _factor(b))


def shaped(n, d, condition, shift, seed):
    """Gaussian features whose deviations fall from 1 to 1 / condition along turned axes."""
    g = generator(seed)
    turn = torch.linalg.qr(torch.randn(d, d, generator=g, dtype=torch.float64)).Q
    scales = torch.logspace(0, -math.log10(condition), d, dtype=torch.float64)
    return torch.randn(n, d, generator=g, dtype=torch.float64) * scales @ turn + shift


@pytest.mark.parametrize("d", [1, 2, 8, 64])
@pytest.mark.parametrize("condition", [1, 10, 100])
@pytest.mark.parametrize("shift", [0.0, 1.0])
def test_the_quick_frechet_is_the_plain_one(d, condition, shift):
    a = shaped(4 * d + 5, d, condition, shift, 2 * d)
    b = 1.3 * shaped(5 * d + 5, d, condition, shift, 2 * d)  # along the same axes
    plain = plain_frechet(a, b)
    found = _quick(a, b)
    # At the edge of what it takes, the squares keep six digits of the smallest, and the sum of the
    # roots keeps eleven of the largest.
    if d == 1 or condition < 100:
        assert found is not None
    if found is not None:
        scale = a.square().mean() + b.square().mean()
        assert abs(found - plain) <= 1e-11 * d * scale
    assert evaluation.frechet(a, b) == pytest.approx(plain, rel=1e-9)


@pytest.mark.parametrize(
    ("condition", "shift", "rows"),
    [(1e4, 0.0, 50), (1e6, 0.0, 50), (10, 1e6, 50), (1, 0.0, 8), (1, 0.0, 5)],
    ids=["narrow", "narrower", "far from zero", "as many rows as columns", "fewer rows"],
)
def test_the_quick_frechet_leaves_to_the_plain_one_what_it_would_spoil(condition, shift, rows):
    a, b = shaped(rows, 8, condition, shift, 0), shaped(50, 8, condition, shift, 1)
    for x, y in ((a, b), (b, a)):
        assert _quick(x, y) is None
        assert evaluation.frechet(x, y) == plain_frechet(x, y)


def test_the_quick_frechet_takes_the_features_of_the_book_and_those_of_the_benchmark():
    train, test = (evaluation.features(digits.load(part).images) for part in ("train", "test"))
    assert _quick(test.double(), train.double()) is not None
    big = torch.randn(2, 2000, 64, generator=generator(0), dtype=torch.float64)
    assert _quick(*big) == pytest.approx(plain_frechet(*big), rel=1e-12)
    assert _quick(big[0], big[0].clone()) == pytest.approx(0.0, abs=1e-11)


@pytest.mark.parametrize(
    ("a", "b", "message"),
    [
        (torch.zeros(5, 2), torch.zeros(5, 3), "must be"),
        (torch.zeros(5), torch.zeros(5), "must be"),
        (torch.zeros(1, 2), torch.zeros(5, 2), "two rows"),
        (torch.full((5, 2), math.nan), torch.zeros(5, 2), "NaN"),
    ],
)
def test_frechet_refuses(a, b, message):
    with pytest.raises(ValueError, match=message):
        evaluation.frechet(a, b)


def test_nearest_is_the_smallest_distance():
    x, train = torch.randn(7, 1, 4, 4), torch.randn(20, 1, 4, 4)
    expected = [min((a - b).norm().item() for b in train) for a in x]
    torch.testing.assert_close(evaluation.nearest(x, train), torch.tensor(expected).double())
    assert evaluation.nearest(train, train).max() < 1e-6
    with pytest.raises(ValueError, match="shape"):
        evaluation.nearest(x, torch.zeros(3, 1, 8, 8))


def test_bootstrap_of_a_mean_has_the_textbook_width():
    x = torch.randn(400, generator=torch.Generator().manual_seed(0)).double()
    value, low, high = evaluation.bootstrap(torch.mean, x, repeats=2000)
    assert value == pytest.approx(x.mean().item())
    assert low < value < high
    assert high - low == pytest.approx(2 * 1.96 * x.std().item() / 20, rel=0.1)


def test_bootstrap_interval_contains_the_value_of_a_biased_distance():
    a, b = torch.randn(2, 100, 5, dtype=torch.float64, generator=torch.Generator().manual_seed(3))
    value, low, high = evaluation.bootstrap(evaluation.frechet, a, b)
    assert low < value < high


def test_bootstrap_is_reproducible_and_follows_its_generator():
    x = torch.arange(30.0)
    assert evaluation.bootstrap(torch.mean, x) == evaluation.bootstrap(torch.mean, x)
    other = torch.Generator().manual_seed(5)
    again = evaluation.bootstrap(torch.mean, x, generator=other)
    assert again != evaluation.bootstrap(torch.mean, x)


def test_bootstrap_covers_as_often_as_it_says():
    random = torch.Generator().manual_seed(1)
    hits = 0
    for _ in range(200):
        x = torch.randn(60, generator=random).double()
        _, low, high = evaluation.bootstrap(torch.mean, x, generator=random)
        hits += low < 0 < high
    assert 0.90 <= hits / 200 <= 0.985


def test_groups_keep_their_sizes_and_only_they_are_mixed():
    groups = torch.tensor([2, 0, 2, 1, 0, 2])
    x = torch.arange(6.0).double() + 10 * groups

    def by_group(again: torch.Tensor) -> float:
        sizes = torch.bincount((again // 10).long(), minlength=3)
        assert sizes.tolist() == [2, 1, 3]
        seen.update(again.tolist())
        return again.mean().item()

    seen: set[float] = set()
    evaluation.bootstrap(by_group, x, groups=[groups])
    assert seen == set(x.tolist())


def test_grouping_removes_the_spread_of_the_group_sizes():
    groups = torch.arange(200) % 2
    x = 10.0 * groups.double() + torch.randn(200, generator=torch.Generator().manual_seed(0))
    _, low, high = evaluation.bootstrap(torch.mean, x, groups=[groups])
    assert 0.15 < high - low < 0.4  # 2 x 1.96 / sqrt(200) = 0.28; without groups 1.4
    with pytest.raises(ValueError, match="one label a row"):
        evaluation.bootstrap(torch.mean, x, groups=[groups[:5]])


@pytest.mark.parametrize(
    "wrong", [{"level": 1.0}, {"level": 0.0}, {"repeats": 1}], ids=lambda w: str(w)
)
def test_bootstrap_refuses(wrong):
    with pytest.raises(ValueError):
        evaluation.bootstrap(torch.mean, torch.zeros(3), **wrong)


@pytest.mark.parametrize("rows", [0, 1])
def test_bootstrap_refuses_samples_that_would_seem_certain(rows):
    with pytest.raises(ValueError, match="two rows or more"):
        evaluation.bootstrap(torch.mean, torch.zeros(rows))


def test_bounds_cut_the_interval_and_nothing_else():
    x = torch.arange(40.0)

    def different(z):  # the share of rows that are no repetition: at most 1, and less if resampled
        return len(z.unique()) / 40

    plain = evaluation.bootstrap(different, x)
    assert plain.value == 1 and plain.low < 1 < plain.high
    assert evaluation.bootstrap(different, x, bounds=(0.0, 1.0)) == (1.0, plain.low, 1.0)
    with pytest.raises(ValueError, match="bounds"):
        evaluation.bootstrap(different, x, bounds=(0.0, 0.5))


def test_intervals_print_shortly():
    assert str(evaluation.Interval(0.5234, 0.49, 0.551)) == "0.523 [0.49, 0.551]"


def test_the_judge_knows_the_digits():
    images, labels = digits.load("test")
    assert evaluation.features(images).shape == (360, 32)
    assert evaluation.accuracy(images, labels) >= 0.98
    assert evaluation.accuracy(images, (labels + 1) % 10) < 0.02
    with pytest.raises(ValueError, match="360"):
        evaluation.accuracy(images, labels[:5])


def test_the_distance_sees_what_an_eye_sees():
    train, test = digits.load("train").images, digits.load("test").images
    real = evaluation.features(train)
    clean = evaluation.frechet(evaluation.features(test), real)
    noisy = evaluation.frechet(evaluation.features(test + 0.5 * torch.randn(test.shape)), real)
    one_class = evaluation.frechet(evaluation.features(test[digits.load("test").labels == 3]), real)
    assert clean < 0.5 < noisy < one_class


# Likelihood ---------------------------------------------------------------------------------------


def test_bits_of_a_uniform_density_are_those_of_its_grid():
    # 256 equally likely grey values on [-1, 1]: 8 bits, whatever the unit in which they are stored.
    for width in (1.0, 2 / 255, 1 / 8):
        nats = 10 * math.log(256 * width)  # density 1 / (256 width) in each of 10 dimensions
        assert evaluation.bits_per_dimension(nats, 10, width) == pytest.approx(8.0, rel=1e-12)
    assert evaluation.bits_per_dimension(0.0, 3072, 2 / 255) == pytest.approx(6.9943, abs=1e-4)


def test_bits_keep_the_shape_and_the_exact_code_is_shorter():
    width, bell = 0.5, scipy.stats.norm(0.3, 0.4)
    x = torch.linspace(-1, 1.5, 6, dtype=torch.float64)
    many = evaluation.dequantise(x[:, None].expand(-1, 20_000), width, generator(0))
    assert (many - x[:, None]).abs().max() <= width / 2
    nats = -torch.from_numpy(bell.logpdf(many.numpy()))
    bound = evaluation.bits_per_dimension(nats, 1, width)
    assert bound.shape == nats.shape
    exact = -np.log2(bell.cdf(x + width / 2) - bell.cdf(x - width / 2))
    error = bound.std(1) / 20_000**0.5
    assert (bound.mean(1) + 4 * error >= torch.from_numpy(exact)).all()


@pytest.mark.parametrize("wrong", [(1.0, 0, 1.0), (1.0, 3, 0.0), (math.nan, 3, 1.0)])
def test_bits_refuse(wrong):
    with pytest.raises(ValueError):
        evaluation.bits_per_dimension(*wrong)
    with pytest.raises(ValueError, match="positive"):
        evaluation.dequantise(torch.zeros(3), 0.0)


# Fréchet distance ---------------------------------------------------------------------------------


@pytest.mark.parametrize("d", [2, 16, 64])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_frechet_agrees_with_the_arithmetic_of_torchmetrics(d, dtype):
    fid = pytest.importorskip("torchmetrics.image.fid")
    g = generator(d)
    a = torch.randn(4 * d, d, generator=g, dtype=dtype) @ torch.randn(
        d, d, generator=g, dtype=dtype
    )
    b = torch.randn(5 * d, d, generator=g, dtype=dtype) + 0.2
    expected = fid._compute_fid(*(f(x.double()) for x in (a, b) for f in (mean, covariance)))
    assert evaluation.frechet(a, b) == pytest.approx(expected.item(), rel=1e-6)


def mean(x):
    return x.mean(0)


def covariance(x):
    return torch.cov(x.T)


def test_gaussian_frechet_of_matrices_without_full_rank():
    half_a, half_b = torch.randn(2, 6, 2, generator=generator(0), dtype=torch.float64)
    a, b = half_a @ half_a.T, half_b @ half_b.T  # rank 2 of 6
    still = torch.zeros(6).double()
    # On factors of rank 2 the trace of the root is that of a 2 × 2 matrix, without rounding zeros.
    small = half_a.T @ half_b
    roots = scipy.linalg.sqrtm((small @ small.T).numpy())
    expected = a.trace() + b.trace() - 2 * np.trace(roots).real
    found = evaluation.gaussian_frechet(still, a, still + 1, b)
    assert found == pytest.approx(expected.item() + 6, rel=1e-6)
    samples = torch.randn(5, 40, generator=generator(1)), torch.randn(7, 40, generator=generator(2))
    by_moments = evaluation.gaussian_frechet(
        *(f(x.double()) for x in samples for f in (mean, covariance))
    )
    assert evaluation.frechet(*samples) == pytest.approx(by_moments, rel=1e-6)


def test_frechet_is_a_squared_metric():
    bells = [
        gaussian(40, torch.randn(4, generator=generator(i)), torch.eye(4), i) for i in range(3)
    ]
    bells = [
        b @ torch.randn(4, 4, generator=generator(9 + i)).double() for i, b in enumerate(bells)
    ]
    d = [[evaluation.frechet(a, b) ** 0.5 for b in bells] for a in bells]
    for i, j, k in ((0, 1, 2), (1, 2, 0), (2, 0, 1)):
        assert d[i][i] < 1e-6 and d[i][j] == pytest.approx(d[j][i], rel=1e-9)
        assert d[i][k] <= d[i][j] + d[j][k]
    rotation = torch.linalg.qr(torch.randn(4, 4, generator=generator(5)).double()).Q
    turned = evaluation.frechet(bells[0] @ rotation + 3, bells[1] @ rotation + 3)
    assert turned == pytest.approx(d[0][1] ** 2, rel=1e-9)


@pytest.mark.parametrize(
    "c",
    [torch.tensor([[1.0, 2.0], [2.0, 1.0]]), torch.tensor([[1.0, 0.5], [0.0, 1.0]]), torch.ones(3)],
)
def test_gaussian_frechet_refuses_what_is_no_covariance(c):
    with pytest.raises(ValueError, match="covariance"):
        evaluation.gaussian_frechet(torch.zeros(2), c, torch.zeros(2), torch.eye(2))


def test_gaussian_frechet_takes_what_rounding_leaves_of_a_single_precision_covariance():
    x = torch.randn(20, 64, generator=generator(0))  # rank 19 of 64
    single, double = torch.cov(x.T), torch.cov(x.double().T)
    assert torch.linalg.eigvalsh(single.double()).min() < -1e-10 * single.abs().max()
    still = torch.zeros(64)
    found = evaluation.gaussian_frechet(still, single, still, torch.eye(64))
    expected = evaluation.gaussian_frechet(still, double, still, torch.eye(64))
    assert found == pytest.approx(expected, rel=1e-2)
    with pytest.raises(ValueError, match="no covariance"):  # the same matrix, claimed to be exact
        evaluation.gaussian_frechet(still, single.double(), still, torch.eye(64))


def test_the_bias_of_frechet_is_what_the_expansion_says_and_the_line_removes_it():
    d, n = 4, 160
    plain, freed = [], []
    for i in range(150):
        a, b = torch.randn(2, n, d, generator=generator(i), dtype=torch.float64)
        plain.append(evaluation.frechet(a, b))
        freed.append(evaluation.frechet_extrapolated(a, b, (1, 2, 4), repeats=2).value)
    plain, freed = torch.tensor(plain).double(), torch.tensor(freed).double()
    # Two estimated bells: the difference of their errors has twice the variance of one.
    bias = 2 * (d + d * (d + 1) / 4) / n
    assert abs(plain.mean() - bias) <= 4 * plain.std() / 150**0.5 + 3 / n * bias
    assert abs(freed.mean()) <= 4 * freed.std() / 150**0.5
    assert 4 * freed.std() / 150**0.5 < bias / 2  # sharp enough to see the bias


@pytest.mark.slow
def test_the_interval_of_the_extrapolation_covers():
    truth = evaluation.gaussian_frechet(
        torch.zeros(2), torch.eye(2), torch.tensor([0.5, 0.0]), 2 * torch.eye(2)
    )
    hits = 0
    for i in range(60):
        a, b = torch.randn(2, 150, 2, generator=generator(i), dtype=torch.float64)
        b = b * 2**0.5 + torch.tensor([0.5, 0.0])
        _, low, high = evaluation.frechet_extrapolated(a, b, (1, 2, 3), 60, generator=generator(i))
        hits += low <= truth <= high
    assert hits / 60 >= 0.84  # 0.95 minus four standard errors


def test_extrapolation_keeps_the_groups_and_refuses():
    a, b = torch.randn(2, 60, 2, generator=generator(0), dtype=torch.float64)
    labels = torch.arange(60) % 3
    shift = 50.0 * labels[:, None]  # luck in the counts of the groups would be all that one sees
    grouped = evaluation.frechet_extrapolated(a + shift, b + shift, groups=(labels, labels))
    assert grouped.high - grouped.low < 10
    alone = evaluation.frechet_extrapolated(a + shift, b + shift)
    assert alone.high - alone.low > 10 * (grouped.high - grouped.low)
    with pytest.raises(ValueError, match="two or more different"):
        evaluation.frechet_extrapolated(a, b, splits=(2, 2))
    with pytest.raises(ValueError, match="too few"):
        evaluation.frechet_extrapolated(a, b, splits=(1, 30))
    with pytest.raises(ValueError, match="one label"):
        evaluation.frechet_extrapolated(a, b, groups=(labels, labels[:5]))


# MMD ----------------------------------------------------------------------------------------------


def u_statistic(x, y, kernel):
    """By scikit-learn's kernels, in NumPy."""
    xx, yy, xy = kernel(x, x), kernel(y, y), kernel(x, y)
    n, m = len(x), len(y)
    own = (xx.sum() - np.trace(xx)) / (n * (n - 1)) + (yy.sum() - np.trace(yy)) / (m * (m - 1))
    return own - 2 * xy.mean()


@pytest.mark.parametrize("offset", [0.0, 1e4])
def test_mmd_agrees_with_scikit_learn(offset):
    x, y = torch.randn(2, 40, 7, generator=generator(0), dtype=torch.float64)
    x, y = x + offset, 1.3 * y[:25] + 0.4 + offset
    h = 1.7
    expected = u_statistic(
        x.numpy(), y.numpy(), lambda p, q: pairwise.rbf_kernel(p, q, gamma=1 / (2 * h**2))
    )
    assert evaluation.mmd(x, y, evaluation.rbf(h)) == pytest.approx(expected, rel=1e-6)
    if not offset:
        cubic = u_statistic(
            x.numpy(), y.numpy(), lambda p, q: pairwise.polynomial_kernel(p, q, 3, 1 / 7, 1)
        )
        assert evaluation.mmd(x, y, evaluation.polynomial()) == pytest.approx(cubic, rel=1e-6)


def test_the_cubic_mmd_is_the_kid_of_torchmetrics():
    kid = pytest.importorskip("torchmetrics.image.kid")
    x, y = torch.randn(2, 50, 16, generator=generator(1), dtype=torch.float64)
    expected = kid.poly_mmd(x, y + 0.2).item()  # it needs samples of one size
    assert evaluation.mmd(x, y + 0.2, evaluation.polynomial()) == pytest.approx(expected, rel=1e-6)
    single = evaluation.mmd(x.float(), y.float() + 0.2, evaluation.polynomial())
    assert single == pytest.approx(expected, rel=1e-5)


def test_the_median_bandwidth_is_the_median_distance():
    x, y = torch.randn(2, 20, 3, generator=generator(2))
    z = torch.cat([x, y]).double().numpy()
    expected = np.median(scipy.spatial.distance.pdist(z))
    assert evaluation.median_bandwidth(x, y) == pytest.approx(expected, rel=1e-2)
    with pytest.raises(ValueError, match="zero"):
        evaluation.median_bandwidth(torch.zeros(5, 2), torch.zeros(5, 2))


def test_mmd_has_no_bias_even_for_three_points():
    def expected_kernel(shift, variance):
        return (1 + variance) ** -0.5 * math.exp(-(shift**2) / (2 * (1 + variance)))

    exact = expected_kernel(0, 2) + expected_kernel(0, 0.5) - 2 * expected_kernel(0.8, 1.25)
    kernel, n = evaluation.rbf(1.0), 3
    pairs = torch.randn(3000, 2, n, 1, generator=generator(3), dtype=torch.float64)
    values = torch.tensor([evaluation.mmd(x, 0.8 + 0.5 * y, kernel) for x, y in pairs])
    error = values.std() / 3000**0.5
    assert abs(values.mean() - exact) <= 4 * error
    diagonal = (2 - expected_kernel(0, 2) - expected_kernel(0, 0.5)) / n
    assert diagonal > 20 * error  # what forgetting the diagonal would cost is far outside


def test_the_permutation_test_keeps_its_level_and_finds_differences():
    kernel, p, power = evaluation.rbf(1.0), [], []
    for i in range(400):
        x, y = torch.randn(2, 20, 2, generator=generator(i), dtype=torch.float64)
        p.append(evaluation.mmd_test(x[:12], y, kernel, 99, generator(1000 + i)).p_value)
        power.append(evaluation.mmd_test(x, y + 1, kernel, 99, generator(i)).p_value)
    rejected = (torch.tensor(p) <= 0.05).double().mean().item()
    assert abs(rejected - 0.05) <= 4 * (0.05 * 0.95 / 400) ** 0.5
    assert abs(np.mean(p) - 0.505) <= 4 * (1 / 12 / 400) ** 0.5
    assert (torch.tensor(power) <= 0.05).double().mean() > 0.6


def test_the_shuffled_values_are_those_of_shuffled_samples():
    x, y = torch.randn(2, 9, 2, generator=generator(4), dtype=torch.float64)
    kernel, pooled = evaluation.rbf(0.8), torch.cat([x, y[:6]])
    outcome = evaluation.mmd_test(x, y[:6], kernel, 7, generator(5))
    orders = torch.rand(7, 15, generator=generator(5)).argsort(1)
    expected = [evaluation.mmd(pooled[o[:9]], pooled[o[9:]], kernel) for o in orders]
    expected = torch.tensor(expected, dtype=torch.float64)
    torch.testing.assert_close(outcome.null, expected, rtol=1e-9, atol=1e-12)
    assert outcome.value == pytest.approx(evaluation.mmd(x, y[:6], kernel), rel=1e-9)
    assert outcome.p_value == (1 + int((expected >= outcome.value).sum())) / 8


def test_a_kernel_may_answer_in_single_precision():
    x, y = torch.randn(2, 12, 2, generator=generator(6), dtype=torch.float64)
    wide = evaluation.rbf(0.8)
    double = evaluation.mmd_test(x, y + 0.5, wide, 50)
    single = evaluation.mmd_test(x, y + 0.5, lambda p, q: wide(p, q).float(), 50)
    assert single.value == pytest.approx(double.value, rel=1e-5)
    torch.testing.assert_close(single.null, double.null, rtol=1e-4, atol=1e-6)


def test_mmd_refuses():
    good = torch.randn(5, 2, generator=generator(0))
    for wrong in (good[:1], good[:, :1], good[:, 0], good * math.nan):
        for measure in (evaluation.mmd, evaluation.mmd_test, evaluation.median_bandwidth):
            with pytest.raises(ValueError):
                measure(good, wrong)
    for h in (0.0, -1.0, math.inf, math.nan):
        with pytest.raises(ValueError, match="bandwidth"):
            evaluation.rbf(h)
    for wrong in ({"degree": 0}, {"offset": -1.0}):
        with pytest.raises(ValueError, match="degree"):
            evaluation.polynomial(**wrong)
    with pytest.raises(ValueError, match="permutations"):
        evaluation.mmd_test(good, good + 1, permutations=0)


# Neighbours ---------------------------------------------------------------------------------------


def by_scikit_learn(x, real, k):
    """Precision, recall, density and coverage from nearest-neighbour searches."""

    def radii(z):
        return NearestNeighbors(n_neighbors=k + 1).fit(z).kneighbors(z)[0][:, k]

    between = pairwise.euclidean_distances(x, real)
    around_real, around_x = between <= radii(real), between <= radii(x)[:, None]
    precision, recall = around_real.any(1).mean(), around_x.any(0).mean()
    return precision, recall, around_real.sum() / (k * len(x)), around_real.any(0).mean()


@pytest.mark.parametrize(("n", "m", "d", "k"), [(50, 70, 2, 3), (200, 120, 8, 5), (9, 30, 1, 1)])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_neighbours_agree_with_scikit_learn_and_prdc(n, m, d, k, dtype):
    g = generator(n)
    x = 0.8 * torch.randn(n, d, generator=g, dtype=dtype) + 0.3
    real = torch.randn(m, d, generator=g, dtype=dtype)
    found = (*evaluation.precision_recall(x, real, k), *evaluation.density_coverage(x, real, k))
    wide = x.double().numpy(), real.double().numpy()
    assert found == pytest.approx(by_scikit_learn(*wide, k), rel=1e-6)
    peer = pytest.importorskip("prdc").compute_prdc(wide[1], wide[0], k)
    names = ("precision", "recall", "density", "coverage")
    assert found == pytest.approx(tuple(peer[name] for name in names), rel=1e-6)


def test_density_and_coverage_of_a_perfect_model_have_known_means():
    n, m, k, runs = 25, 18, 3, 1500
    draws = torch.randn(runs, n + m, 3, generator=generator(6), dtype=torch.float64)
    scores = torch.tensor([evaluation.density_coverage(x[:n], x[n:], k) for x in draws]).double()
    expected = torch.tensor([1.0, evaluation.expected_coverage(n, m, k)]).double()
    assert ((scores.mean(0) - expected).abs() <= 4 * scores.std(0) / runs**0.5).all()
    assert evaluation.expected_coverage(3, 3, 2) == pytest.approx(0.9)
    with pytest.raises(ValueError, match="coverage"):
        evaluation.expected_coverage(3, 3, 3)


def test_outliers_fool_recall_and_not_coverage():
    real = torch.randn(200, 2, generator=generator(7), dtype=torch.float64)
    point = 0.01 * torch.randn(200, 2, generator=generator(8), dtype=torch.float64)
    scattered = torch.cat([point[:190], 40 * torch.randn(10, 2, generator=generator(9)).double()])
    assert evaluation.precision_recall(point, real).recall < 0.05
    assert evaluation.precision_recall(scattered, real).recall > 0.9
    assert evaluation.density_coverage(scattered, real).coverage < 0.3


def test_neighbours_refuse():
    good = torch.randn(6, 2, generator=generator(0))
    for measure in (evaluation.precision_recall, evaluation.density_coverage):
        for wrong in (good[:3], good[:, :1], good * math.nan):
            with pytest.raises(ValueError):
                measure(good, wrong, 3)
        with pytest.raises(ValueError, match="k must be"):
            measure(good, good, 0)
    with pytest.raises(ValueError, match="no training image"):
        evaluation.nearest(good, good[:0])
    with pytest.raises(ValueError, match="NaN"):
        evaluation.nearest(good * math.nan, good)


def test_memorisation_keeps_its_level_and_finds_copies():
    p, shares = [], []
    for i in range(120):
        x, fresh, train = torch.randn(3, 60, 3, generator=generator(i)).unbind()
        outcome = evaluation.memorisation(x, fresh, train, repeats=60, generator=generator(i))
        p.append(outcome.p_value)
        shares.append(outcome.close.value)
    rejected = np.mean(np.array(p) <= 0.05)
    assert rejected <= 0.05 + 4 * (0.05 * 0.95 / 120) ** 0.5
    assert abs(np.mean(p) - 0.5) <= 4 * np.std(p) / 120**0.5
    assert abs(np.mean(shares) - 0.05) <= 4 * np.std(shares) / 120**0.5
    x[:6] = train[:6]
    assert evaluation.memorisation(x, fresh, train).close.value >= 0.1
    copies = evaluation.memorisation(train[:30], fresh, train)
    assert copies.ratio.value == 0 and copies.close.value == 1 and copies.p_value < 0.002


def test_copies_are_close_even_if_strangers_have_duplicates():
    x, fresh, train = torch.randn(3, 100, 3, generator=generator(2)).unbind()
    fresh[:10] = train[:10]  # one in ten held-out images is in the training set
    copies = evaluation.memorisation(train[:50], fresh, train)
    assert copies.close == (1.0, 1.0, 1.0) and copies.ratio.value == 0
    assert evaluation.memorisation(x, fresh, train).close.value == 0


def test_memorisation_agrees_with_scikit_learn_and_refuses():
    x, fresh, train = torch.randn(3, 40, 1, 4, 4, generator=generator(1)).unbind()
    search = NearestNeighbors(n_neighbors=1).fit(train.flatten(1).double().numpy())
    mine, theirs = (search.kneighbors(z.flatten(1).double().numpy())[0] for z in (x, fresh))
    ratio = evaluation.memorisation(x, fresh, train).ratio
    assert ratio.value == pytest.approx(mine.mean() / theirs.mean(), rel=1e-6)
    assert ratio.low < ratio.value < ratio.high
    with pytest.raises(ValueError, match="quantile"):
        evaluation.memorisation(x, fresh, train, quantile=1.0)
    with pytest.raises(ValueError, match="all held-out"):
        evaluation.memorisation(x, train, train)
    with pytest.raises(ValueError, match="NaN"):
        evaluation.memorisation(x, fresh * math.nan, train)


# The judge ----------------------------------------------------------------------------------------


def test_variety_is_a_share_of_variance_within_classes():
    labels = torch.arange(40) % 4
    real = torch.randn(40, 1, 2, 2, generator=generator(0)) + 9 * labels[:, None, None, None]
    centres = torch.stack([real[labels == c].mean(0) for c in range(4)])[labels]
    half = centres + 0.5 * (real - centres)
    assert evaluation.variety(real, labels, real, labels) == pytest.approx(1.0)
    assert evaluation.variety(half, labels, real, labels) == pytest.approx(0.25, rel=1e-5)
    assert evaluation.variety(centres, labels, real, labels) == pytest.approx(0.0, abs=1e-9)
    by_numpy = [np.var(real[labels == c].double().numpy(), axis=0, ddof=1).sum() for c in range(4)]
    scaled = [np.var(half[labels == c].double().numpy(), axis=0, ddof=1).sum() for c in range(4)]
    expected = sum(scaled) / sum(by_numpy)
    assert evaluation.variety(half, labels, real, labels) == pytest.approx(expected, rel=1e-6)
    with pytest.raises(ValueError, match="one label"):
        evaluation.variety(real, labels[:3], real, labels)
    with pytest.raises(ValueError, match="no class"):
        evaluation.variety(real, labels, real, labels + 10)


def test_the_judge_refuses_nan():
    with pytest.raises(ValueError, match="NaN"):
        evaluation.predict(torch.full((2, 1, 8, 8), math.nan))
    with pytest.raises(ValueError, match="NaN"):
        evaluation.features(torch.full((2, 1, 8, 8), math.inf))
