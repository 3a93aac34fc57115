"""What the formulas of the explorables must give: calls with genbook's own results, as JSON.

``python tests/coursekit/explorable_vectors.py`` prints them; with ``digits``, ``clouds`` or
``programs`` it prints the data of ``web/data/``. One entry a call: the module of
``web/formulas``, the function, its arguments, and what genbook says. A formula without an entry
fails the test, so a new one gets its line here.
"""

from __future__ import annotations

import itertools
import json
import sys
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.distributions import Normal

from genbook import ddim, ddpm, evaluation, gaussians, geometry, ode, sde
from genbook.denoiser import Denoiser
from genbook.hands import clouds, schedule, traces
from genbook.paths import VE
from genbook.sampling import states
from genbook.schedules import NoiseSchedule

Vector = tuple[str, str, list[Any], Any]


def _column(*values: float) -> Tensor:
    return torch.tensor(values, dtype=torch.float64)


def of_gaussians() -> Iterator[Vector]:
    """Densities and products of bells that are near, far, wide and narrow."""
    for mean, deviation, at in itertools.product((-1.2, 0.5), (0.2, 1.7), (-3.0, 0.1, 2.0)):
        density = Normal(_column(mean), _column(deviation)).log_prob(_column(at)).exp()
        yield "gaussians", "density", [at, mean, deviation**2], density.item()
    for given in ((-1.2, 0.81, 1.2, 0.36), (0.0, 4.0, 0.5, 0.04), (2.0, 1.0, 2.0, 1.0)):
        m1, v1, m2, v2 = map(_column, given)
        mean, variance, log_z = gaussians.product(m1, v1[None], m2, v2[None])
        found = {"mean": mean.item(), "variance": variance.item(), "weight": log_z.exp().item()}
        yield "gaussians", "product", [*given], found
    mean, covariance = _column(0.5, -1.0), torch.tensor([[2.0, 0.6], [0.6, 0.5]]).double()
    for value in (-1.0, 2.3):
        given = [mean.tolist(), covariance.tolist(), value]
        m, v = gaussians.condition(mean, covariance, [0], _column(value))
        yield "gaussians", "condition", given, {"mean": m.item(), "variance": v.item()}
    weights, means, variances = (0.3, 0.3, 0.4), (-1.3, -0.3, 1.0), (0.0225, 0.09, 0.04)
    bells = {"weights": weights, "means": means, "variances": variances}
    columns = _column(*means)[:, None], _column(*variances)[:, None, None]
    schedule = NoiseSchedule.linear(20, 1e-3, 0.3)
    predict = gaussians.GaussianMixture(_column(*weights), *columns).model(schedule)
    for t, x in itertools.product((3, 11, 20), (-1.1, 0.2, 1.6)):
        found = predict(_column(x)[:, None], t).item()
        yield "gaussians", "mixtureNoise", [x, schedule.gather("alpha_bars", t), bells], found


def of_schedules() -> Iterator[Vector]:
    """Short and long chains of each kind, and one that is bent by hand."""
    given: dict[str, tuple[NoiseSchedule, list[float]]] = {
        "linear": (NoiseSchedule.linear(20, 1e-3, 0.3), [20, 1e-3, 0.3]),
        "scaledLinear": (NoiseSchedule.scaled_linear(7, 0.01, 0.4), [7, 0.01, 0.4]),
        "cosine": (NoiseSchedule.cosine(12), [12]),
    }
    for name, (chain, arguments) in given.items():
        yield "schedules", name, arguments, chain.betas.tolist()
        yield "schedules", "alphaBars", [chain.betas.tolist()], chain.alpha_bars.tolist()
        for t in (1, 5):
            alpha_bar, log_snr = chain.gather("alpha_bars", t), chain.log_snr(t)
            yield "schedules", "logSnr", [alpha_bar], log_snr
            yield "schedules", "alphaBarOf", [log_snr], alpha_bar
    yield "schedules", "cosine", [5, 0.1, 0.5], NoiseSchedule.cosine(5, 0.1, 0.5).betas.tolist()
    times, log_snrs, T = [1, 4, 10], [6.0, 1.5, -7.0], 10
    alpha_bars = torch.from_numpy(np.interp(range(1, T + 1), times, log_snrs)).sigmoid()
    bent = NoiseSchedule(1 - alpha_bars / torch.cat([_column(1.0), alpha_bars[:-1]]))
    yield "schedules", "bent", [times, log_snrs, T], bent.alpha_bars.tolist()


def of_ddpm() -> Iterator[Vector]:
    """Steps back at the end, in the middle and at the beginning of a chain of twenty."""
    schedule = NoiseSchedule.linear(20, 1e-3, 0.3)
    x0, xt = _column(0.6, -0.8), _column(-0.4, 1.3)
    for t in (1, 2, 9, 20):
        bars = [schedule.gather("alpha_bars", t), schedule.gather("alpha_bars", t - 1)]
        noised = ddpm.q_sample(schedule, x0, t, xt)
        yield "ddpm", "qSample", [bars[0], x0.tolist(), xt.tolist()], noised.tolist()
        mean, variance = ddpm.q_posterior(schedule, x0, xt, t)
        (of_x0, _), (of_xt, _) = (
            ddpm.q_posterior(schedule, *ends, t)
            for ends in ((_column(1.0), _column(0.0)), (_column(0.0), _column(1.0)))
        )
        found = {"variance": variance.item(), "ofX0": of_x0.item(), "ofXt": of_xt.item()}
        for i in range(2):
            given = [x0[i].item(), xt[i].item(), *bars]
            yield "ddpm", "qPosterior", given, {"mean": mean[i].item(), **found}
    # The chain's own densities, of which each witness is a bell in x_{t-1}.
    a, b, alpha, beta = (*schedule.rates(8), schedule.alpha(9), schedule.beta(9))
    seen, told = -0.4, 0.6
    x = torch.linspace(-3, 3, 7).double().requires_grad_()
    bells = {
        "present": Normal(alpha**0.5 * x, _column(beta**0.5)).log_prob(_column(seen)),
        "past": Normal(_column(a * told), _column(b)).log_prob(x),
    }
    found = {}
    for name, log_density in bells.items():
        (slope,) = torch.autograd.grad(log_density.sum(), x, create_graph=True)
        (curvature,) = torch.autograd.grad(slope.sum(), x)
        top = (x - slope / curvature).mean().item()
        found[name] = {"mean": top, "variance": (-1 / curvature).mean().item()}
    bars = [schedule.gather("alpha_bars", t) for t in (9, 8)]
    yield "ddpm", "witnesses", [told, seen, *bars], found


def of_ddim() -> Iterator[Vector]:
    """Short and long jumps, the last one to the data; times of which some lie half-way."""
    schedule = NoiseSchedule.linear(20, 1e-3, 0.3)
    xt, eps, noise = _column(0.6, -0.8, 1.3)[:, None]
    for (t, s), eta in itertools.product(((20, 19), (20, 5), (9, 2), (4, 0)), (0.0, 0.4, 1.0)):
        bars = [schedule.gather("alpha_bars", t), schedule.gather("alpha_bars", s)]
        yield "ddim", "sigma", [*bars, eta], ddim.sigma(schedule, t, s, eta)
        found = ddim.step(schedule, xt, eps, t, s, eta, noise).item()
        yield "ddim", "step", [xt.item(), eps.item(), *bars, eta, noise.item()], found
    for steps in (3, 16):
        yield "ddim", "timesteps", [1000, steps], ddim.timesteps(1000, steps)


def of_geometry() -> Iterator[Vector]:
    """Points inside, outside, and with corners on their ray, of polygons of three kinds."""
    polygons = {
        "crown": [[0, 0], [8, 0], [9, 3], [8, 5], [6, 2], [4, 5], [2, 2], [0, 5]],
        "touching": [[0, 0], [5, 3], [8, 1], [10, 6], [5, 3], [1, 6]],
        "crossing": [[5, 6], [8, 0], [1, 4], [9, 4], [2, 0]],
    }
    for u, v in (([2.0, 0.4], [0.5, 1.2]), ([1.5, -0.6], [0.3, 2.0])):
        yield "geometry", "cross", [u, v], geometry.cross(u, v)
    for a, b in (([1.0, 0.5], [3.0, 4.0]), ([2.0, 5.0], [0.0, -1.0])):
        met = geometry.line_intersection([0.0, 2.0], [1.0, 2.0], a, b)
        yield "geometry", "meetingX", [2.0, a, b], met[0]
    for polygon in polygons.values():
        corners = np.array(polygon, float)
        following = np.roll(corners, -1, 0)
        yield "geometry", "edges", [polygon], np.stack([corners, following], 1).tolist()
        for point in itertools.product((-0.5, 1.0, 2.75, 5.0, 8.5), (0, 0.75, 2, 3, 5, 6)):
            count = int(geometry.ray_crossings(point, corners))
            yield "geometry", "rayCrossings", [point, polygon], count
            winding = int(geometry.winding_number(point, corners))
            yield "geometry", "windingNumber", [point, polygon], winding
            # With both ends: the half-open rule's edges, and those whose upper end is on the ray.
            upper = np.where((following > corners)[:, 1:], following, corners)
            level = following[:, 1] == corners[:, 1]
            ends = (upper[:, 1] == point[1]) & (upper[:, 0] > point[0]) & ~level
            yield "geometry", "rayCrossings", [point, polygon, True], count + int(ends.sum())
    for a, b, y in itertools.product(([4, 1], [6, 3]), ([5, 2], [3, 5]), (1, 2, 2.5, 3, 5)):
        low, high = sorted((a, b), key=lambda end: end[1])
        left = geometry.orientation(low, high, [3.5, y]) > 0
        counted = int(low[1] <= y < high[1] and left)
        yield "geometry", "crossed", [[3.5, y], a, b], counted if b is high else -counted


def of_evaluation() -> Iterator[Vector]:
    """Two unlike clouds of unlike size, and two that are alike."""
    generator = torch.Generator().manual_seed(0)
    for n, m, wide in ((9, 14, 2.0), (12, 12, 1.0)):
        a, b = (torch.randn(k, 2, generator=generator).double() for k in (n, m))
        b = wide * b @ _column(1.0, 0.4, 0.0, 0.7).reshape(2, 2) + _column(0.6, -0.3)
        for x, y in ((a, b), (b, a)):
            clouds = [x.tolist(), y.tolist()]
            yield "evaluation", "frechet", clouds, evaluation.frechet(x, y)
            value = evaluation.mmd(x, y, evaluation.rbf(0.8))
            yield "evaluation", "mmd", [*clouds, 0.8], value
            for k in (1, 3):
                near = evaluation.precision_recall(x, y, k)._asdict()
                yield "evaluation", "precisionRecall", [*clouds, k], near
                covered = evaluation.density_coverage(x, y, k).coverage
                yield "evaluation", "coverage", [*clouds, k], covered


def of_sde() -> Iterator[Vector]:
    """Both directions in three bells of the plane, with and without noise; the last step, too."""
    path, dice = sde.VPSDE(), torch.Generator()
    means, variance = [[-1.0, 0.2], [0.8, 0.9], [0.3, -1.2]], 0.05
    bells = {"weights": [0.3, 0.3, 0.4], "means": means, "variance": variance}
    covariances = variance * torch.eye(2, dtype=torch.float64).expand(3, 2, 2)
    data = gaussians.GaussianMixture(_column(0.3, 0.3, 0.4), _column(*means), covariances)
    denoiser, x = Denoiser(data.model(path), path), torch.tensor([[0.6, -0.4]]).double()
    for t in (0.02, 0.3, 0.9):
        yield "sde", "rates", [t], list(path.rates(t))
        yield "sde", "process", [t], list(path.process(t))
        score = data.at(*path.rates(t)).score(x)
        given = [x[0].tolist(), list(path.rates(t)), bells]
        yield "gaussians", "roundScore", given, score[0].tolist()
        for eta, s in itertools.product((0.0, 0.7, 1.5), (0.0, t / 2)):
            noise = torch.randn(x.shape, generator=dice.manual_seed(1), dtype=x.dtype)
            given = [x[0, 0].item(), score[0, 0].item()]
            found = sde.euler_maruyama(denoiser, x, t, s, None, dice.manual_seed(1), eta=eta)
            yield "sde", "down", [*given, t, s, eta, noise[0, 0].item()], found[0, 0].item()
            found = sde.forward(denoiser, x, t, 1.0, None, dice.manual_seed(1), eta=eta)
            yield "sde", "up", [*given, t, 1.0, eta, noise[0, 0].item()], found[0, 0].item()


def of_ode() -> Iterator[Vector]:
    """The field near and far from the data, grids, and each solver on one of them."""
    weights, means, variances = (0.3, 0.3, 0.4), (-1.3, -0.3, 1.0), (0.0225, 0.09, 0.04)
    bells = {"weights": weights, "means": means, "variances": variances}
    columns = _column(*means)[:, None], _column(*variances)[:, None, None]
    mixture = gaussians.GaussianMixture(_column(*weights), *columns)
    for x, sigma in itertools.product((-1.6, 0.2, 3.0), (0.1, 0.9, 4.0)):
        found = mixture.eps(_column(x)[:, None], 1.0, sigma).item()
        yield "ode", "slope", [x, sigma, bells], found
    path = VE(0.01, 10.0)
    for rho, steps in ((7, 4), (1, 3), (3, 6)):
        times = ode.edm_times(path, steps + 1, rho, sigma_min=0.1, sigma_max=6.0)[:-1]
        grid = [ode.ratio(path, t) for t in times]
        yield "ode", "sigmas", [6.0, 0.1, rho, steps], grid
        denoiser = Denoiser(mixture.model(path), path)
        for name, step in (
            ("euler", ddim.jump),
            ("heun", ode.heun),
            ("rk4", ode.rk4),
            ("2m", ode.Multistep()),
        ):
            start = _column(2.5)[:, None]
            walked = [x.item() for _, x in states(step, denoiser, start, times)]
            yield "ode", "walk", [name, 2.5, grid, bells], walked


def vectors() -> list[Vector]:
    """All of them."""
    return [
        *of_gaussians(),
        *of_schedules(),
        *of_ddpm(),
        *of_ddim(),
        *of_ode(),
        *of_geometry(),
        *of_evaluation(),
        *of_sde(),
    ]


def _compact(data: dict[str, Any]) -> str:
    return json.dumps(data, separators=(",", ":"), ensure_ascii=False) + "\n"


def digits_and_noise() -> str:
    """``web/data/digits.json``: a three and a six, in sixteenths of ink, and noise for each."""
    images, noise = schedule.digits_and_noise()
    return _compact(
        {
            "images": ((images + 1) * 8).int().tolist(),
            "noise": [[round(v, 2) for v in row] for row in noise.tolist()],
        }
    )


def two_clouds() -> str:
    """``web/data/clouds.json``: what the figure in a kernel is made of."""
    found = clouds.clouds()
    return _compact(
        {
            "centres": clouds.CENTRES,
            "width": clouds.WIDTH,
            "real": found.real.tolist(),
            "noise": found.noise.tolist(),
            "bell": found.bell.tolist(),
            "sound": found.sound,
        }
    )


DATA = {
    "digits": digits_and_noise,
    "clouds": two_clouds,
    "programs": lambda: _compact(traces.programs()),
}

if __name__ == "__main__":
    if sys.argv[1:]:
        sys.stdout.write(DATA[sys.argv[1]]())
    else:
        print(json.dumps(vectors(), indent=1))
