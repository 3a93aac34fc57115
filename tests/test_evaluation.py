"""Measures of quality against closed forms and SciPy."""

import math

import numpy as np
import pytest
import scipy.linalg
import torch

from genbook import evaluation
from genbook.data import digits


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


def test_bootstrap_refuses_empty_samples():
    with pytest.raises(ValueError, match="empty"):
        evaluation.bootstrap(torch.mean, torch.zeros(0))


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
