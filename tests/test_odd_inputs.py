"""What is no tensor, no number, empty or NaN is refused by name, wherever it is given.

One table: a call, and words of the message. None may end in NaN, in an AttributeError from deep
inside, or in a number that means nothing.
"""

from __future__ import annotations

import math
import warnings

import numpy as np
import pytest
import torch

from genbook import bound, ddim, ddpm, geometry, paths
from genbook import evaluation as ev
from genbook.data import digits, toy2d
from genbook.schedules import NoiseSchedule

S = NoiseSchedule.linear(1000)
X = torch.randn(50, 4, generator=torch.Generator().manual_seed(0))
ARRAY, LIST, BYTES = X.numpy(), X.tolist(), torch.zeros(2, 1, 8, 8, dtype=torch.uint8)
NOBODY = torch.zeros(0, 1, 8, 8)


def zero(x, t, cond=None):
    return torch.zeros_like(x)


def mostly_copies():
    return torch.cat([X[:9], X[9:10] + 5])


TYPES = {
    "q_sample of an array": lambda: ddpm.q_sample(S, ARRAY, 3, ARRAY),
    "q_sample of a list": lambda: ddpm.q_sample(S, LIST, 3, LIST),
    "a step of arrays": lambda: ddpm.step(S, ARRAY, ARRAY, 3),
    "a jump of arrays": lambda: ddim.step(S, ARRAY, ARRAY, 3, 2),
    "a posterior of arrays": lambda: ddpm.q_posterior(S, ARRAY, ARRAY, 3),
    "a family of arrays": lambda: ddim.q_posterior(S, ARRAY, ARRAY, 3, 2, 0.0),
    "a loss of an array": lambda: ddpm.loss(zero, S, ARRAY),
    "a loss of a list": lambda: ddpm.loss(zero, S, LIST),
    "a bound of an array": lambda: bound.vlb_terms(zero, NoiseSchedule.linear(3), ARRAY),
    "a conversion of arrays": lambda: paths.convert(ARRAY, ARRAY, 0.5, 0.5, "eps", "x0"),
    "an arc of arrays": lambda: ddim.slerp(ARRAY, ARRAY, 0.5),
    "a line of lists": lambda: ddim.lerp(LIST, LIST, 0.5),
    "x_T as an array": lambda: ddim.sample(zero, S, ARRAY.shape, 2, xT=ARRAY),
    "a distance of arrays": lambda: ev.frechet(ARRAY, ARRAY),
    "a distance of lists": lambda: ev.frechet(LIST, LIST),
    "precision of arrays": lambda: ev.precision_recall(ARRAY, ARRAY),
    "neighbours in arrays": lambda: ev.nearest(ARRAY, ARRAY),
    "copies in arrays": lambda: ev.memorisation(ARRAY, ARRAY, ARRAY),
    "classes of an array": lambda: ev.predict(ARRAY),
    "an interval of a list": lambda: ev.bootstrap(torch.mean, LIST),
}


@pytest.mark.parametrize("call", TYPES.values(), ids=TYPES)
def test_what_is_no_tensor_is_named(call):
    with pytest.raises(TypeError, match=r"must be a torch tensor, got (list|ndarray)"):
        call()


REFUSED = {
    "an arc of integers": (lambda: ddim.slerp(BYTES, BYTES, 0.5), TypeError, "floating-point"),
    "an arc from NaN": (lambda: ddim.slerp(X * math.nan, X, 0.5), ValueError, "NaN or infinity"),
    "a line from NaN": (lambda: ddim.lerp(X * math.nan, X, 0.5), ValueError, "NaN or infinity"),
    "opposite in half": (
        lambda: ddim.slerp(torch.ones(1, 4).half(), -torch.ones(1, 4).half(), 0.5),
        ValueError,
        "opposite",
    ),
    "opposite in bfloat16": (
        lambda: ddim.slerp(X[:1].bfloat16(), -1.01 * X[:1].bfloat16(), 0.5),
        ValueError,
        "opposite",
    ),
    "a loss of one number": (
        lambda: ddpm.loss(zero, S, torch.tensor(1.0)),
        ValueError,
        "batch",
    ),
    "times that end early": (
        lambda: ddim.sample(zero, S, (2, 3), 2, timesteps=[1000, 50, 1]),
        ValueError,
        "end at 0, with x_0; these end at 1",
    ),
    "ancestral times that end early": (
        lambda: ddpm.sample(zero, S, (2, 3), timesteps=[1000, 50, 1]),
        ValueError,
        "end at 0, with x_0; these end at 1",
    ),
    "a shape of a number": (lambda: ddim.sample(zero, S, 3, 2), TypeError, "tuple of integers"),
    "a shape of floats": (
        lambda: ddim.sample(zero, S, (2.0, 3), 2),
        TypeError,
        "integer, got 2.0",
    ),
    "a negative shape": (lambda: ddim.sample(zero, S, (-1, 3), 2), ValueError, "negative"),
    "steps of a float chain": (lambda: ddim.timesteps(1000.0, 10), TypeError, "T must be"),
    "half a point": (lambda: toy2d.mixture("grid").sample(2.5), TypeError, "n must be an integer"),
    "a root of a negative": (
        lambda: ev.polynomial(1.5, 0.0),
        TypeError,
        "degree must be an integer",
    ),
    "an offset of NaN": (lambda: ev.polynomial(2, math.nan), ValueError, "offset"),
    "a kernel of NaN": (
        lambda: ev.mmd_test(X[:25], X[25:], lambda x, y: (x @ y.T) ** 1.5),
        ValueError,
        "kernel gives NaN",
    ),
    "a distance by a kernel of NaN": (
        lambda: ev.mmd(X[:25], X[25:], lambda x, y: (x @ y.T) ** 1.5),
        ValueError,
        "kernel gives NaN",
    ),
    "a kernel of one number": (
        lambda: ev.mmd(X[:25], X[25:], lambda x, y: (x @ y.T).sum()),
        ValueError,
        "must give a matrix",
    ),
    "an interval of NaN": (
        lambda: ev.bootstrap(lambda x: x.mean() * math.nan, X),
        ValueError,
        "statistic is NaN",
    ),
    "an interval that is NaN now and then": (
        lambda: ev.bootstrap(lambda x: x.mean() if len(x.unique()) > 120 else math.nan, X),
        ValueError,
        r"NaN or infinite for \d+ of 200",
    ),
    "a spread of copies": (
        lambda: ev.memorisation(X, mostly_copies(), X[:20]),
        ValueError,
        "NaN or infinite",
    ),
    "the accuracy of nobody": (
        lambda: ev.accuracy(NOBODY, torch.zeros(0, dtype=torch.int64)),
        ValueError,
        "no image",
    ),
    "bytes for the judge": (lambda: ev.predict(BYTES), TypeError, "floating-point, in"),
    "[0, 1] for the judge": (
        lambda: ev.accuracy(digits.load("test").images / 2 + 0.5, digits.load("test").labels),
        ValueError,
        r"lie in \[0, 1\]: 2 x − 1",
    ),
    "[0, 255] for the judge": (
        lambda: ev.features(digits.load("test").images * 127.5 + 127.5),
        ValueError,
        r"lie in \[0, 255\]",
    ),
    "integers spread over bins": (
        lambda: ev.dequantise(BYTES, 1.0),
        TypeError,
        "floating-point",
    ),
    "NaN spread over bins": (
        lambda: ev.dequantise(X * math.nan, 1.0),
        ValueError,
        "NaN or infinity",
    ),
    "a square of 10^16 pixels": (
        lambda: geometry.coverage([[0, 0], [1e16, 0], [1e16, 1e16], [0, 1e16]], 4, 4),
        ValueError,
        "pixels from the picture",
    ),
    "x_0 beyond float32": (
        lambda: paths.convert(X, X, 1e-200, 1.0, "eps", "x0"),
        ValueError,
        "does not determine",
    ),
}


@pytest.mark.parametrize(("call", "error", "message"), REFUSED.values(), ids=REFUSED)
def test_it_is_refused_with_words_of_its_own(call, error, message):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(error, match=message):
            call()


def test_integers_of_numpy_are_integers():
    assert NoiseSchedule.linear(np.int64(10)).T == 10
    assert ddim.timesteps(np.int64(10), np.int32(2)) == [10, 5, 0]
    assert ddim.sample(zero, S, (np.int64(2), 3), np.int64(2)).shape == (2, 3)
    assert S.a(np.int64(10)) == S.a(10)


def test_a_chain_that_leaves_the_range_of_floats_goes_on_by_logarithms():
    """ᾱ = 2^-t is below the smallest float64 from t = 1075 on; its root and its ratios are not."""
    long = NoiseSchedule([0.5] * 2000)
    assert long.alpha_bars[2000] == 0
    assert math.isclose(long.a(2000), 2.0**-1000, rel_tol=1e-9)
    assert math.isclose(long.log_snr(2000), -2000 * math.log(2), rel_tol=1e-12)
    times = torch.tensor([2000, 1999, 1100, 20])
    torch.testing.assert_close(long.alpha(times), torch.full((4,), 0.5, dtype=torch.float64))
    assert math.isclose(long.alpha(1990, 1985), 2.0**-5, rel_tol=1e-9)
    mean, variance = ddpm.q_posterior(long, X, X, 2000)
    torch.testing.assert_close(mean, 0.5**0.5 * X)  # x_0 has no weight left, and b is 1
    assert float(variance) == pytest.approx(0.5)
    noise = ddim.sample(lambda x, t, c: x, long, (2, 3), 2000)  # right for data of variance 1
    assert noise.isfinite().all() and 0.1 < noise.std() < 10
    with pytest.raises(ValueError, match="eps does not determine x_0"):
        ddim.sample(zero, long, (2, 3), 4)  # a_s / a_t = 2^250 in one step


def test_a_mixture_in_half_precision_comes_back():
    there = toy2d.mixture("grid").to(torch.float16).to(torch.float32)
    assert float(there.weights.sum()) == pytest.approx(1, abs=1e-6)
    torch.testing.assert_close(
        there.means, toy2d.mixture("grid").means.float(), rtol=1e-3, atol=1e-3
    )
