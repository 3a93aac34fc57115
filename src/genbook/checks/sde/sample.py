"""Repair a predictor–corrector sampler."""

from genbook.checks import Case, Question, Tensor, answers, dataclass, generator, math, torch
from genbook.paths import VE


@dataclass(frozen=True)
class GaussianScore:
    """The exact score of x_t = x_0 + b noise for data from N(mean, spread²)."""

    path: VE
    mean: float
    spread: float

    def __call__(self, x: Tensor, t: float) -> Tensor:
        return -(x - self.mean) / (self.spread**2 + self.path.rates(t)[1] ** 2)


def sample(score, path, xT, times, noise, r):
    x = xT
    for i in range(len(times) - 1):
        t, s = times[i], times[i + 1]
        b_t, b_s = path.rates(t)[1], path.rates(s)[1]
        beta = b_t**2 - b_s**2
        x = x + beta * score(x, t)
        if s > 0:
            x = x + math.sqrt(beta) * noise[i, 0]
            size = 2 * (r * b_s) ** 2
            x = x + size * score(x, s) + math.sqrt(2 * size) * noise[i, 1]
    return x


def cases(seed: int) -> list[Case]:
    dice = generator(seed)
    path = VE(0.05, 3.0 + float(torch.rand((), generator=dice)))
    x = torch.randn(4, 2, generator=dice, dtype=torch.float64)
    images = torch.randn(2, 1, 3, 3, generator=dice)
    many = torch.randn(5, 2, *x.shape, generator=dice, dtype=torch.float64)
    few = torch.randn(2, 2, *images.shape, generator=dice)
    spread = 0.4 + float(torch.rand((), generator=dice))
    five = [1.0, 0.8, 0.6, 0.4, 0.2, 0.0]
    return [
        Case((GaussianScore(path, 0.5, spread), path, x, five, many, 0.3), label="five steps"),
        Case(
            (GaussianScore(path, -1.0, 0.3), path, images, [1.0, 0.5, 0.0], few, 0.2),
            label="two steps, images",
        ),
        Case(
            (GaussianScore(path, 0.0, 1.2), path, x, [0.7, 0.1, 0.0], many, 0.5),
            label="uneven times",
        ),
        Case(
            (GaussianScore(path, 0.2, 0.8), path, x, [1.0, 0.0], many, 0.4), label="a single step"
        ),
    ]


ANSWERS = answers("""
with pairs of times and numbers first:
    x, b = xT.double(), [path.rates(t)[1] for t in times]
    for i, (t, s) in enumerate(zip(times, times[1:])):
        gone = (b[i] - b[i + 1]) * (b[i] + b[i + 1])
        x = x + gone * score(x, t)
        if s == 0:
            break
        x = x + gone**0.5 * noise[i, 0]
        x = x + 2 * r**2 * b[i + 1] ** 2 * score(x, s) + 2 * r * b[i + 1] * noise[i, 1]
    return x
by recursion:
    def down(x, i):
        t, s = times[i], times[i + 1]
        rates = [path.rates(time)[1] for time in (t, s)]
        beta = rates[0] ** 2 - rates[1] ** 2
        mean = x + beta * score(x, t)
        if i == len(times) - 2:
            return mean
        y = mean + beta**0.5 * noise[i, 0]
        size = 2 * r**2 * rates[1] ** 2
        return down(y + size * score(y, s) + (2 * size) ** 0.5 * noise[i, 1], i + 1)
    return down(xT.double(), 0)
as given: beta * score(x, t) → beta / 2 * score(x, t)
    size * score(x, s) + math.sqrt(2 * size) → size * score(x, s) + math.sqrt(size)
    Both mistakes are still there. Ask of each move whether pull and noise belong together.
the flow's pull with noise: beta * score(x, t) → beta / 2 * score(x, t)
    The corrector is right now, but the predictor adds the noise of η = 1 with the pull of η = 0.
    The crowd gets too wide.
Langevin without its 2: math.sqrt(2 * size) → math.sqrt(size)
    The predictor is right now. The corrector's noise is too small: a move of the size ε needs
    noise of variance 2 ε, or it squeezes the crowd.
corrected with the old time: score(x, s) → score(x, t)
    Your corrector asks at t about a state of time s.
the corrector's size of the old time: size = 2 * (r * b_s) → size = 2 * (r * b_t)
    Your corrector's size is that of the noise at t. The state has come to s.
difference of deviations: beta = b_t**2 - b_s**2 → beta = (b_t - b_s) ** 2
    Standard deviations do not subtract, variances do: β = b_t² − b_s².
the flow for the predictor: beta * score(x, t) → beta / 2 * score(x, t)
    + math.sqrt(beta) * noise[i, 0] → + 0 * noise[i, 0]
    You took the predictor's noise out. That is the flow; the question keeps the noises and asks for
    reverse diffusion, so its pull has to be whole.
one noise twice: noise[i, 1] → noise[i, 0]
    You used one noise for predictor and corrector. Their pushes have to be independent.
noise in the last step: if s > 0 → if True
    You added noise in the step to 0, where no step is left to take it out.
""")
QUESTION = Question("sde.sample", 4, sample, cases, ANSWERS)
