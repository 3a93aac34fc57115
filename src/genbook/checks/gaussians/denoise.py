"""From a score to a guess and its error."""

from genbook.checks import Case, Question, Tensor, answers, dataclass, generator, torch
from genbook.checks.gaussians.shared import with_slope  # noqa: F401, for the answers


def denoise(score, x, a, b):
    x = x.detach().requires_grad_()
    s = score(x)
    (slope,) = torch.autograd.grad(s.sum(), x)
    return ((x + b**2 * s) / a).detach(), b**2 / a**2 * (1 + b**2 * slope)


@dataclass(frozen=True)
class Bumps:
    """The score of x_t = a x_0 + b eps for bumps of one width and one weight at ``centres``."""

    centres: tuple[float, ...]
    width: float
    a: float
    b: float

    def __call__(self, x: Tensor) -> Tensor:
        variance = self.a**2 * self.width**2 + self.b**2
        apart = x[:, None] - self.a * torch.tensor(self.centres, dtype=x.dtype)
        r = (-(apart**2) / (2 * variance)).softmax(-1)
        return -(r * apart).sum(-1) / variance


def cases(seed: int) -> list[Case]:
    g = generator(seed)
    centres = tuple(torch.randn(3, generator=g).tolist())

    def case(bumps: Bumps, label: str, dtype: torch.dtype = torch.float64) -> Case:
        x = 1.5 * torch.randn(6, generator=g, dtype=dtype)
        return Case((bumps, x, bumps.a, bumps.b), label=label)

    return [
        case(Bumps((-1.0, 1.0), 0.3, 0.8, 0.6), "two bumps"),
        case(Bumps(centres, 0.5, 0.6, 0.5), "three bumps"),
        case(Bumps(centres, 0.2, 1.0, 2.0), "a = 1 and much noise"),
        case(Bumps((0.5,), 0.7, 0.4, 0.9), "single precision", torch.float32),
    ]


ANSWERS = answers("""
the variance from the slope of the guess itself:
    guess, slope = with_slope(lambda x: (x + b * b * score(x)) / a, x)
    return guess, b * b / a * slope
point by point:
    points = x.detach().double()[:, None]
    slopes = [torch.autograd.functional.jacobian(score, point).item() for point in points]
    means = [(point + b**2 * score(point)).item() / a for point in points]
    return [means, [(b / a) ** 2 + b**4 / a**2 * slope for slope in slopes]]
b for b squared: x + b**2 → x + b
    Your mean has b times the score. That is minus the predicted eps; in Tweedie's formula it is
    multiplied by b once more.
not divided by a: / a).detach() → ).detach(); / a**2 →
    You return mean and variance of a x_0. Divide by a, and the variance by a².
away from the data: x + b**2 → x - b**2; 1 + b**2 → 1 - b**2
    You went down the log-density. The score points to where the data are: add it.
mean away from the data: x + b**2 → x - b**2
    Your variance is right, and your mean goes down the log-density. The score points to where the
    data are: add it.
slope with the wrong sign: 1 + b**2 → 1 - b**2
    Your mean is right, but in the variance the slope of the score has the wrong sign: where the
    log-density bends down, the slope is negative and the variance smaller.
mean not divided by a: / a).detach() → ).detach()
    Your variance is right, and your mean is that of a x_0: divide by a.
variance not divided by a squared: / a**2 →
    Your mean is right, and your variance is that of a x_0: divide by a².
variance divided by a once: / a**2 → / a
    Your variance has b²/a. A variance scales with the square: b²/a².
variance of the noise alone: 1 + b**2 * slope → 1 + 0 * slope
    Your variance is b²/a², as if nothing were known of the data. The bend of the log-density
    corrects it: (b²/a²)(1 + b² · slope of the score).
slope of the guess: b**2 / a**2 → 1 / a
    Your variance is the slope of the guess. Multiply it by b²/a.
standard deviation: b**2 / a**2 → b / a; (1 + b**2 * slope) → (1 + b**2 * slope).sqrt()
    Your second result is the standard deviation. The variance is asked for.
""")
QUESTION = Question("gaussians.denoise", 4, denoise, cases, ANSWERS)
