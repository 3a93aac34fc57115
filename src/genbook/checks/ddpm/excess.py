"""How far a trained network is from the best predictor, and which mistake explains it.

The data are a mixture, so the best predictor is known. What is scored is the square distance from
it: the loss without its floor, which is the larger part and would only add noise to the value.
"""

from genbook.checks import Tensor, generator, torch
from genbook.checks.ddpm.q_sample import q_sample
from genbook.data import toy2d
from genbook.schedules import NoiseSchedule

BOUND = 0.05
TRIED = 4096  # points on which a network is tried

mixture = toy2d.eight_gaussians().to(torch.float32)
cosine = NoiseSchedule.cosine(100)


def batch(n: int, g: torch.Generator) -> tuple[Tensor, ...]:
    """Images, times, noise, and the noised images."""
    t = torch.randint(1, cosine.T + 1, (n,), generator=g)
    x0 = mixture.sample(n, g)
    eps = torch.randn(n, 2, generator=g)
    return x0, t, eps, q_sample(cosine, x0, t, eps)


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


def excesses(network: torch.nn.Module, t: Tensor, xt: Tensor) -> Tensor:
    """Square distance from the best predictor at each of the points."""
    return torch.square(network(xt, t) - expected_eps(xt, t)).mean(1)


def score(network: torch.nn.Module, seed: int) -> tuple[float, float]:
    _, t, _, xt = batch(TRIED, generator(seed))
    excess = excesses(network, t, xt)
    return float(excess.mean()), float(excess.std()) / TRIED**0.5


def diagnose(network: torch.nn.Module, seed: int) -> tuple[str, str]:
    """The excess by thirds of the time, and the mistake that explains the network.

    A mistake explains a network that does the wrong thing well: within the bound, and three times
    nearer to it than to what was asked. So a network that is short of training has no mistake.
    """
    x0, t, eps, xt = batch(TRIED, generator(seed))
    excess, output = excesses(network, t, xt), network(xt, t)
    part = (t - 1) * 3 // cosine.T
    thirds = [float(excess[part == third].mean()) for third in range(3)]
    detail = "by noise: little {:.2g}, middle {:.2g}, much {:.2g}".format(*thirds)
    # How far the network is from doing perfectly what was not asked, one entry a mistake.
    rates, (a, b) = cosine.rates(t, xt[:, 0]), cosine.rates(t, xt)
    best, best_x0 = mixture.eps(xt, *rates), mixture.posterior_mean(xt, *rates)
    narrow = a * x0 + b**2 * eps
    best_narrow = mixture.eps(narrow, rates[0], rates[1] ** 2)
    elsewhere = {
        "image for noise": apart(output, best_x0),
        "v for noise": apart(output, a * best - b * best_x0),
        "time as a fraction": apart(network(xt, t / cosine.T), best),
        "variance for standard deviation": apart(network(narrow, t), best_narrow),
    }
    told = [t, *(torch.full_like(t, time) for time in (0, 1, cosine.T))]
    blind = without_time(xt)
    untimely = min(apart(network(xt, times), blind) for times in told)
    asked, silent = float(excess.mean()), apart(best, 0)
    limit = min(BOUND, asked / 3)
    found = min(elsewhere, key=elsewhere.__getitem__)
    if elsewhere[found] <= min(limit, untimely):
        return detail, found
    # Before "no time": told one of the times it has seen, such a network does not do badly.
    if sorted(thirds)[1] <= 1.5 * BOUND and max(thirds) >= 4 * BOUND:
        return detail, "not all times"
    if untimely <= limit:
        return detail, "no time"
    if abs(asked / silent - 1) < 0.15 and apart(output, 0) < silent / 4:
        return detail, "untrained"
    return detail, ""
