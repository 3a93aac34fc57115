"""Conversions between predictions: definitions, round trips, the oracle, and the singular ends."""

from __future__ import annotations

from itertools import product
from typing import get_args

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from genbook import paths

NAMES = get_args(paths.Prediction)
RATES = st.floats(0.05, 3.0)
SLOPES = st.floats(-3.0, 3.0)


def predictions(x0, eps, a, b, da, db):
    """Every prediction by its definition."""
    return {
        "x0": x0,
        "eps": eps,
        "v": a * eps - b * x0,
        "velocity": da * x0 + db * eps,
        "score": -eps / b,
    }


@given(a=RATES, b=RATES, da=SLOPES, db=SLOPES)
@settings(max_examples=80, deadline=None)
def test_every_prediction_from_every_other(a, b, da, db):
    if abs(a * db - b * da) < 0.05:
        db = db + 1 if abs(a * (db + 1) - b * da) > 0.04 else db - 1
    check_all_pairs(paths.convert, a, b, da, db)


def check_all_pairs(convert, a, b, da, db):
    generator = torch.Generator().manual_seed(1)
    x0, eps = torch.randn(2, 3, 2, generator=generator, dtype=torch.float64)
    xt = a * x0 + b * eps
    values = predictions(x0, eps, a, b, da, db)
    for source, target in product(NAMES, NAMES):
        got = convert(values[source], xt, a, b, source, target, da, db)
        torch.testing.assert_close(got, values[target], rtol=1e-7, atol=1e-8)


def with_coefficients(change):
    """A converter that was given changed rates: what a wrong formula amounts to."""

    def convert(value, xt, a, b, source, target, da, db):
        return paths.convert(value, xt, *change(a, b), source, target, da, db)

    return convert


@pytest.mark.parametrize(
    "change",
    [
        lambda a, b: (a**2, b),  # forgot the square root of ᾱ
        lambda a, b: (a, b**2),  # noise scaled by its variance
        lambda a, b: (b, a),  # swapped
        lambda a, b: (a, -b),  # sign of the noise
    ],
)
def test_planted_faults_are_rejected(change):
    with pytest.raises(AssertionError):
        check_all_pairs(with_coefficients(change), 0.8, 0.6, -0.5, 1.3)


def test_coefficients_for_each_sample():
    x0, eps = torch.randn(2, 4, 3, 2, 2, dtype=torch.float64)
    a = torch.tensor([0.9, 0.5, 0.1, 1.0], dtype=torch.float64).reshape(4, 1, 1, 1)
    b, da, db = 1.3 - a, -torch.ones_like(a), torch.full_like(a, 0.7)
    check = predictions(x0, eps, a, b, da, db)
    xt = a * x0 + b * eps
    for source, target in product(NAMES, NAMES):
        got = paths.convert(check[source], xt, a, b, source, target, da, db)
        torch.testing.assert_close(got, check[target])
    torch.testing.assert_close(paths.to_x0(check["v"], xt, a, b, "v"), x0)
    torch.testing.assert_close(paths.to_eps(check["score"], xt, a, b, "score"), eps)


def test_the_score_of_the_oracle_is_a_gradient(mixture, generator):
    a, b = 0.8, 0.6
    x = mixture.sample(50, generator).requires_grad_()
    parts = torch.distributions.Normal(
        a * mixture.means[:, 0], (a**2 * mixture.covariances[:, 0, 0] + b**2).sqrt()
    )
    log_prob = (mixture.weights.log() + parts.log_prob(x)).logsumexp(1)
    (score,) = torch.autograd.grad(log_prob.sum(), x)
    eps = mixture.eps(x.detach(), a, b)
    torch.testing.assert_close(paths.convert(eps, x.detach(), a, b, "eps", "score"), score)
    # Tweedie: the posterior mean of the data is (x_t + b² score) / a
    tweedie = (x.detach() + b**2 * score) / a
    torch.testing.assert_close(paths.to_x0(score, x.detach(), a, b, "score"), tweedie)


@pytest.mark.parametrize(
    ("a", "b", "source", "target"),
    [
        (0.0, 1.0, "eps", "x0"),
        (0.0, 1.0, "eps", "v"),
        (0.0, 1.0, "score", "x0"),
        (1.0, 0.0, "x0", "eps"),
        (1.0, 0.0, "x0", "v"),
        (1.0, 0.0, "eps", "score"),
        (1.0, 0.0, "v", "score"),
        (float("nan"), 1.0, "eps", "x0"),
    ],
)
def test_what_is_not_determined_is_refused(a, b, source, target):
    x = torch.ones(2, 3)
    with pytest.raises(ValueError, match=r"determine|infinite"):
        paths.convert(x, x, a, b, source, target)
    rates = (torch.tensor([[0.5], [a]]), torch.tensor([[0.5], [b]]))
    with pytest.raises(ValueError, match=r"determine|infinite"):
        paths.convert(x, x, *rates, source, target)


def test_what_is_determined_at_the_ends():
    x, value = torch.randn(2, 2, 3, dtype=torch.float64)
    for source, target, a, b, expected in [
        ("v", "x0", 0.0, 1.0, -value),
        ("v", "eps", 0.0, 1.0, x),
        ("x0", "eps", 0.0, 1.0, x),
        ("x0", "v", 0.0, 1.0, -value),
        ("eps", "x0", 1.0, 0.0, x),
        ("v", "x0", 1.0, 0.0, x),
        ("v", "eps", 1.0, 0.0, value),
        ("eps", "eps", 0.0, 1.0, value),
    ]:
        torch.testing.assert_close(paths.convert(value, x, a, b, source, target), expected)


def test_parallel_motion_does_not_determine_the_velocity():
    x = torch.ones(2, 3)
    with pytest.raises(ValueError, match='"velocity" does not determine'):
        paths.convert(x, x, 0.6, 0.8, "velocity", "x0", da=0.3, db=0.4)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"source": "noise"}, r"unknown prediction 'noise': use one of 'eps', 'x0', 'v'"),
        ({"target": "x_0"}, r"unknown prediction 'x_0'"),
        (
            {"value": torch.ones(2, 1)},
            r"value and xt must have one shape, got \(2, 1\) and \(2, 3\)",
        ),
        ({"a": torch.ones(2)}, r"must be a number or have 2 axes .* got shape \(2,\)"),
        ({"target": "velocity"}, r"needs the derivatives da and db"),
    ],
)
def test_refusals(change, message):
    arguments = {
        "value": torch.ones(2, 3),
        "xt": torch.ones(2, 3),
        "a": 0.8,
        "b": 0.6,
        "source": "eps",
        "target": "x0",
    }
    with pytest.raises(ValueError, match=message):
        paths.convert(**arguments | change)


@pytest.mark.parametrize("p", [-2.0, 0.0, 1e-6, 0.999, 1.0, 1.0001, 1e6])
@pytest.mark.parametrize("kind", ["float", "tensor"])
def test_combine_is_the_sum_and_leaves_its_inputs_alone(p, kind):
    x, y = torch.randn(2, 5, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    q = -0.7
    expected, kept = p * x + q * y, (x.clone(), y.clone())
    p_, q_ = (p, q) if kind == "float" else (torch.full((5, 1), c, dtype=x.dtype) for c in (p, q))
    found = paths.combine(p_, x, q_, y)
    # Two roundings of the larger term; x + (p − 1) x must not stand for p x where p is small.
    torch.testing.assert_close(found, expected, rtol=1e-14, atol=1e-15 * max(abs(p), 1))
    assert torch.equal(x, kept[0]) and torch.equal(y, kept[1])
    small = paths.combine(p, x, 0.0, y)
    torch.testing.assert_close(small, p * x, rtol=1e-14, atol=0)
