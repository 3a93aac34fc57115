"""Design: measure an order of convergence."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from genbook.checks import Case, Question, generator, mistakes
from genbook.checks.ddim.sample import sample
from genbook.checks.ddim.shared import GaussianNoise
from genbook.schedules import NoiseSchedule


def order(sampler, exact, steps):
    errors = [(sampler(n) - exact).square().mean().sqrt().item() for n in steps]
    slope, _ = np.polyfit(np.log(steps), np.log(errors), 1)
    return -slope


def by_covariance(sampler, exact, steps):
    x = torch.tensor(steps).double().log()
    y = torch.tensor([math.log(float(((sampler(n) - exact) ** 2).mean())) / 2 for n in steps])
    return -float(((x - x.mean()) * y).sum() / ((x - x.mean()) * x).sum())


def with_norms(sampler, exact, steps):
    """With norms (a constant factor does not change a slope) and a general least-squares solver."""
    logs = torch.stack([torch.linalg.vector_norm(sampler(n) - exact).log() for n in steps])
    lines = torch.stack([torch.tensor(steps).double().log(), torch.ones(len(steps)).double()], 1)
    return -torch.linalg.lstsq(lines, logs.double()[:, None]).solution[0, 0]


@dataclass(frozen=True)
class Sampler:
    """DDIM on Gaussian data, as a function of the number of steps alone.

    It holds results and not a sampler, because a sampler is what the question before asks for.
    """

    results: dict[int, Tensor]

    def __call__(self, steps: int) -> Tensor:
        return self.results[steps].clone()


@dataclass(frozen=True)
class UnequalEntries:
    """A result of which one entry converges with order 1, and all others with order 2."""

    exact: Tensor

    def __call__(self, steps: int) -> Tensor:
        errors = torch.full_like(self.exact, 3 / steps**2)
        errors[0] = 1 / steps
        return self.exact + errors


def solved(model: GaussianNoise, xT: Tensor, steps: list[int]) -> tuple[Sampler, Tensor, list[int]]:
    """The arguments of a case: the sampler, where the differential equation leads, the steps."""
    schedule, mean, spread = model.schedule, model.mean, model.spread
    a, b = schedule.a(schedule.T), schedule.b(schedule.T)
    exact = mean + (xT - a * mean) * spread / math.sqrt(a**2 * spread**2 + b**2)
    return Sampler({n: sample(model, schedule, xT, n) for n in steps}), exact, steps


def cases(seed: int) -> list[Case]:
    g = generator(seed)
    schedule = NoiseSchedule.linear(200, 5e-4, 0.1)
    spread = 0.4 + 0.4 * float(torch.rand((), generator=g))
    x = torch.randn(6, 2, generator=g, dtype=torch.float64)
    one, two = GaussianNoise(schedule, 0.0, spread), GaussianNoise(schedule, 1.0, 0.3)
    three = UnequalEntries(x[:, 0].contiguous())
    return [
        Case(solved(one, x, [5, 10, 20, 40, 80]), label="doubling"),
        Case(solved(two, x, [4, 10, 25, 100]), label="other steps, data off centre"),
        Case(solved(one, x, [3, 7]), label="two points"),
        Case((three, three.exact, [2, 4, 8, 16]), label="some entries converge faster"),
    ]


MISCONCEPTIONS = mistakes("""
the sign: -slope → slope
    Your order is negative. The error behaves like n^(−p), so the slope in the log-log plot is −p;
    return p.
squared error: .sqrt() →
    Your order is twice too large: you fitted the mean *squared* error, which falls like n^(−2p).
    Take the root first.
largest error: .square().mean().sqrt() → .abs().max()
    You fitted the largest error. It follows one entry; the question asks for the root mean square
    over all entries.
mean absolute error: .square().mean().sqrt() → .abs().mean()
    You fitted the mean absolute error. The question asks for the root mean square: square, average,
    then take the root.
steps without logarithm: np.log(steps) → steps
    Only your errors are logarithms. A power law is a straight line when *both* axes are
    logarithmic.
errors without logarithm: np.log(errors) → errors
    Only your numbers of steps are logarithms. A power law is a straight line when *both* axes are
    logarithmic.
two ends only: np.log(steps) → np.log(steps)[[0, -1]]; np.log(errors) → np.log(errors)[[0, -1]]
    You used the first and the last point only. Fit a line through all of them: one unlucky end
    should not decide.
""")

EQUIVALENT = {
    "mean() → sum()": "a constant factor moves the line and leaves its slope",
    "(sampler(n) - exact) → (exact - sampler(n))": "the differences are squared",
}

QUESTION = Question(
    "ddim.order", 3, order, cases, MISCONCEPTIONS, (by_covariance, with_norms), EQUIVALENT
)
