"""Repair a score."""

from genbook.checks import Case, Question, answers, generator, torch
from genbook.checks.gaussians.shared import with_slope  # noqa: F401, for the answers


def score(w, m, s, x, a, b):
    variance = a**2 * s**2 + b**2
    apart = x[:, None] - a * m
    log_joint = w.log() - apart.square().sum(-1) / (2 * variance) - x.shape[1] / 2 * variance.log()
    r = log_joint.softmax(-1)
    return -(r[..., None] * apart / variance[:, None]).sum(1)


def cases(seed: int) -> list[Case]:
    g = generator(seed)

    def case(K: int, D: int, a: float, b: float, label: str, dtype=torch.float64, far=0) -> Case:
        w = torch.rand(K, generator=g, dtype=dtype) + 0.2
        m = torch.randn(K, D, generator=g, dtype=dtype)
        s = 0.3 + torch.rand(K, generator=g, dtype=dtype)
        x = torch.randn(4, D, generator=g, dtype=dtype)
        if far:  # in units of the widest component: densities that float64 holds, float32 not
            x *= far * (a**2 * s.max() ** 2 + b**2).sqrt() / x.norm(dim=1, keepdim=True)
        return Case((w / w.sum(), m, s, x, a, b), label=label)

    b = 0.3 + 0.5 * float(torch.rand((), generator=g))
    return [
        case(2, 1, 0.8, 0.6, "two components on a line"),
        case(3, 2, 0.6, b, "three components in the plane"),
        case(2, 5, 1.0, 1.7, "much noise, five dimensions"),
        case(4, 3, 0.5, 0.9, "single precision", torch.float32),
        case(1, 2, 0.9, 0.4, "a single component"),
        case(3, 2, 0.6, 0.2, "far from the data, single precision", torch.float32, far=20),
    ]


ANSWERS = answers("""
by autograd:
    def log_density(x):
        parts = torch.distributions.Normal(a * m, (a**2 * s**2 + b**2).sqrt()[:, None])
        return (w.log() + parts.log_prob(x[:, None]).sum(-1)).logsumexp(-1)
    return with_slope(log_density, x)[1]
from the guess of x_0, with densities in float64:
    apart, v = x[:, None].double() - a * m, a * a * s * s + b * b
    bells = w * (-(apart * apart).sum(-1) / (2 * v)).exp() * v ** (-x.shape[1] / 2)
    guesses = m + (a * s**2 / v)[:, None] * apart
    guess = (bells[..., None] * guesses).sum(1) / bells.sum(1, keepdim=True)
    return (a * guess - x) / b**2
as given: b**2 → b; x.shape[1] / 2 → 1 / 2; log_joint.softmax(-1) → w.expand_as(log_joint)
    These are the outputs of the code as given. Try it with two components and b = 0.5, and compare
    with the derivative of the log-density. (While r does not depend on x, the line above is idle.)
mixture of scores: log_joint.softmax(-1) → w.expand_as(log_joint)
    You average the scores of the components with the weights w. The logarithm of a sum has another
    slope: weigh with the responsibilities, which depend on x.
b not squared: b**2 → b
    Your variance is a² s² + b. The noise has the standard deviation b, and variances add.
normaliser of a line: x.shape[1] / 2 → 1 / 2
    Your log-densities have the normaliser of one dimension, −½ log v. In D dimensions it counts D
    times, and wide components lose weight: yours gives them too much.
normaliser of a line, b not squared: x.shape[1] / 2 → 1 / 2; b**2 → b
    Two mistakes are left: the normaliser is that of one dimension, and the variance has b for b².
wrong way: return - → return
    Your score points away from the data. The slope of −|x − m|²/2v is −(x − m)/v.
softmax over the points: softmax(-1) → softmax(0)
    Your responsibilities sum to one over the points. They are probabilities of the components, for
    each point on its own: the sum runs over the last axis.
responsibilities not normalised: softmax(-1) → exp()
    Your responsibilities do not sum to one. Divide by their sum over the components; softmax does
    both at once.
densities that vanish: log_joint.softmax(-1) → log_joint.exp() / log_joint.exp().sum(-1, True)
    Far from the data all densities are rounded to 0, and 0/0 is NaN. Stay with the logarithms:
    softmax subtracts the largest before it takes the exponential.
means not faded: a * m → m
    Your components sit at m. On the path x_t = a x_0 + b eps they have moved to a m.
a not squared: a**2 → a
    Your variance has a s². A variance scales with the square: a² s².
of two axes 1 is the last: softmax(-1) ≡ softmax(1)
""")
QUESTION = Question("gaussians.score", 4, score, cases, ANSWERS)
