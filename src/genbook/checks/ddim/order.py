"""Design: measure an order of convergence."""

from genbook.checks import Case, Question, Tensor, answers, dataclass, generator, math, np, torch
from genbook.checks.ddim.sample import sample
from genbook.checks.ddim.shared import GaussianNoise
from genbook.schedules import NoiseSchedule


def order(sampler, exact, steps):
    errors = [(sampler(n) - exact).square().mean().sqrt().item() for n in steps]
    slope, _ = np.polyfit(np.log(steps), np.log(errors), 1)
    return -slope


@dataclass(frozen=True)
class Sampler:
    """DDIM on Gaussian data or the like, as a function of the number of steps alone.

    It holds results and not a sampler, because a sampler is what the question before asks for.
    """

    results: dict[int, Tensor]

    def __call__(self, steps: int) -> Tensor:
        return self.results[steps].clone()


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
    exact, first = x[:, 0].contiguous(), torch.arange(6) == 0  # of order 1, all others of order 2
    three = Sampler({n: exact + 3 / n**2 + (1 / n - 3 / n**2) * first for n in (2, 4, 8, 16)})
    return [
        Case(solved(one, x, [5, 10, 20, 40, 80]), label="doubling"),
        Case(solved(two, x, [4, 10, 25, 100]), label="other steps, data off centre"),
        Case(solved(one, x, [3, 7]), label="two points"),
        Case((three, exact, [2, 4, 8, 16]), label="some entries converge faster"),
    ]


ANSWERS = answers("""
by covariance: slope, _ = np.polyfit → (spread, along), _ = np.cov
    np.log(errors), 1) → np.log(errors));slope = along / spread
with norms (a constant factor does not change a slope) and a general least-squares solver:
    logs = torch.stack([torch.linalg.vector_norm(sampler(n) - exact).log() for n in steps])
    lines = torch.stack([torch.tensor(steps).double().log(), torch.ones(len(steps)).double()], 1)
    return -torch.linalg.lstsq(lines, logs.double()[:, None]).solution[0, 0]
the sign: -slope → slope
    Your order is negative. The error behaves like n^(−p), so the log-log slope is −p; return p.
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
    Only your errors are logarithms. A power law is straight when *both* axes are logarithmic.
errors without logarithm: np.log(errors) → errors
    Only your numbers of steps are logarithms. A power law is straight when *both* axes are
    logarithmic.
two ends only: np.log(steps) → np.log(steps)[[0, -1]]; np.log(errors) → np.log(errors)[[0, -1]]
    You used the first and the last point only. Fit a line through all of them: one unlucky end
    should not decide.
a constant factor moves the line and leaves its slope: mean() ≡ sum()
the differences are squared: (sampler(n) - exact) ≡ (exact - sampler(n))
""")
QUESTION = Question("ddim.order", 2, order, cases, ANSWERS)
