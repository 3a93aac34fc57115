"""How far a trained network is from the best predictor, and which mistake explains it.

The data are a mixture, so the best predictor is known. What is scored is the square distance from
it: the loss without its floor, which is the larger part and would only add noise to the value.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Generator, Tensor, nn

from genbook.checks import generator
from genbook.checks.ddpm.q_sample import q_sample
from genbook.data import toy2d
from genbook.schedules import NoiseSchedule

BOUND = 0.05
TRIED = 4096  # points on which a network is tried

mixture = toy2d.eight_gaussians().to(torch.float32)
cosine = NoiseSchedule.cosine(100)


class Batch(NamedTuple):
    x0: Tensor
    t: Tensor
    eps: Tensor
    xt: Tensor


def batch(n: int, g: Generator) -> Batch:
    t = torch.randint(1, cosine.T + 1, (n,), generator=g)
    x0 = mixture.sample(n, g)
    eps = torch.randn(n, 2, generator=g)
    return Batch(x0, t, eps, q_sample(cosine, x0, t, eps))


def expected_eps(xt: Tensor, t: Tensor) -> Tensor:
    """E[eps | x_t], what a perfect network says."""
    return mixture.eps(xt, *cosine.rates(t, xt[:, 0]))


def without_time(x: Tensor) -> Tensor:
    """E[eps | x] for someone who is not told the time, any of 1..T."""
    levels = [(float(cosine.a(t)), float(cosine.b(t))) for t in range(1, cosine.T + 1)]
    logs = torch.stack([mixture.at(a, b).log_prob(x) for a, b in levels])
    guesses = torch.stack([mixture.eps(x, a, b) for a, b in levels])
    return (logs.softmax(0)[..., None] * guesses).sum(0)


def apart(output: Tensor, target: Tensor | float) -> float:
    return float((output - target).square().mean())


def excesses(network: nn.Module, tried: Batch) -> Tensor:
    """Square distance from the best predictor at each of the points."""
    distance: Tensor = network(tried.xt, tried.t) - expected_eps(tried.xt, tried.t)
    return distance.square().mean(1)


def score(network: nn.Module, seed: int) -> tuple[float, float]:
    excess = excesses(network, batch(TRIED, generator(seed)))
    return float(excess.mean()), float(excess.std()) / TRIED**0.5


def excesses_elsewhere(network: nn.Module, tried: Batch) -> dict[str, float]:
    """How far the network is from doing perfectly what was not asked, one entry a mistake."""
    x0, t, eps, xt = tried
    a, b = cosine.rates(t, xt[:, 0])
    best, best_x0 = mixture.eps(xt, a, b), mixture.posterior_mean(xt, a, b)
    best_v = cosine.a(t, xt) * best - cosine.b(t, xt) * best_x0
    blind = without_time(xt)
    told = [t, *(torch.full_like(t, time) for time in (0, 1, cosine.T))]
    narrow = cosine.a(t, x0) * x0 + cosine.b(t, x0) ** 2 * eps
    output = network(xt, t)
    return {
        "image for noise": apart(output, best_x0),
        "v for noise": apart(output, best_v),
        "no time": min(apart(network(xt, times), blind) for times in told),
        "time as a fraction": apart(network(xt, t / cosine.T), best),
        "variance for standard deviation": apart(network(narrow, t), mixture.eps(narrow, a, b**2)),
    }


def diagnose(network: nn.Module, seed: int) -> tuple[str, str]:
    """The excess by thirds of the time, and the mistake that explains the network.

    A mistake explains a network that does the wrong thing well: within the bound, and three times
    nearer to it than to what was asked. So a network that is short of training has no mistake.
    """
    tried = batch(TRIED, generator(seed))
    excess = excesses(network, tried)
    part = (tried.t - 1) * 3 // cosine.T
    thirds = [float(excess[part == third].mean()) for third in range(3)]
    detail = "by noise: little {:.2g}, middle {:.2g}, much {:.2g}".format(*thirds)
    asked = float(excess.mean())
    elsewhere = excesses_elsewhere(network, tried)
    limit = min(BOUND, asked / 3)
    found = min(elsewhere, key=elsewhere.__getitem__)
    if elsewhere[found] <= limit and found != "no time":
        return detail, found
    # Before "no time": told one of the times it has seen, such a network does not do badly.
    if sorted(thirds)[1] <= 1.5 * BOUND and max(thirds) >= 4 * BOUND:
        return detail, "not all times"
    if elsewhere["no time"] <= limit:
        return detail, "no time"
    silent = apart(expected_eps(tried.xt, tried.t), 0)
    loudness = apart(network(tried.xt, tried.t), 0)
    if abs(asked / silent - 1) < 0.15 and loudness < silent / 4:
        return detail, "untrained"
    return detail, ""
