"""A bound that can be drawn."""

from genbook.checks import Case, Question, answers, math, np


def bound(x, w, s, m, v):
    rebuilt = -0.5 * math.log(2 * math.pi * s**2) - ((x - w * m) ** 2 + w**2 * v) / (2 * s**2)
    cost = 0.5 * (v + m**2 - 1 - math.log(v))
    variance = w**2 + s**2
    log_p = -0.5 * math.log(2 * math.pi * variance) - x**2 / (2 * variance)
    return rebuilt - cost, log_p - (rebuilt - cost)


def posterior(x: float, w: float, s: float) -> tuple[float, float]:
    """The mean and the variance of z given x."""
    variance = 1 / (1 + w**2 / s**2)
    return variance * w * x / s**2, variance


def divergence(m1: float, v1: float, m2: float, v2: float) -> float:
    return 0.5 * (v1 / v2 - 1 + (m1 - m2) ** 2 / v2 - math.log(v1 / v2))


def cases(seed: int) -> list[Case]:
    r = np.random.default_rng(seed)

    def drawn() -> tuple[float, float, float]:
        return float(r.normal()), float(r.normal()), float(r.uniform(0.3, 1.5))

    x, w, s = drawn()
    return [
        Case((1.5, 2.0, 0.5, 0.4, 0.3), label="numbers to try by hand"),
        Case((*drawn(), *drawn()[1:]), label="any q"),
        Case((*drawn(), *drawn()[1:]), label="another q"),
        Case((x, w, s, *posterior(x, w, s)), label="the posterior itself"),
        Case((x, w, s, 0.0, 1.0), label="the prior"),
    ]


ANSWERS = answers("""
the gap as the divergence from the posterior, and the bound as what is left:
    gap = divergence(m, v, *posterior(x, w, s))
    return -0.5 * math.log(2 * math.pi * (w * w + s * s)) - x * x / (w * w + s * s) / 2 - gap, gap
the averages over q with Gauss and Hermite's quadrature:
    rebuilt = → nodes, weights = np.polynomial.hermite_e.hermegauss(8);rebuilt =
    (x - w * m) ** 2 + w**2 * v → np.average((x - w * (m + v**0.5 * nodes)) ** 2, weights=weights)
in single precision, where the gap is a difference of large numbers:
    rebuilt = → x, w, s, m, v = torch.tensor([x, w, s, m, v], dtype=torch.float32);rebuilt =
rebuilt at the mean: + w**2 * v →
    You rebuilt x from the mean of q. The average over q is worse than its middle:
    E[(x − w z)²] = (x − w m)² + w² v.
no cost: cost = → cost = 0 *
    The cost KL(q ‖ p(z)) is missing.
cost added: cost = → cost = -
    You added the divergence from the prior. It is a cost: subtract it.
gap negative: log_p - (rebuilt - cost) → rebuilt - cost - log_p
    Your gap is negative. The bound lies below log p(x); the gap is log p(x) − ELBO.
gap from the prior: log_p - (rebuilt - cost) → cost
    Your gap is KL(q ‖ p(z)), the divergence from the prior. The gap is the divergence from the
    *posterior* p(z | x).
gap in the other direction: log_p - (rebuilt - cost) → divergence(*posterior(x, w, s), m, v)
    Your gap is KL(p(z | x) ‖ q). The average runs over q: KL(q ‖ p(z | x)).
v as a deviation: → bound(x, w, s, m, v**2)
    You took v for a standard deviation. It is the variance of q.
s as a variance: → bound(x, w, math.sqrt(s), m, v)
    You took s for a variance. It is the standard deviation of x given z.
log p in the place of the bound: → (sum(bound(x, w, s, m, v)), bound(x, w, s, m, v)[1])
    Your first number is log p(x) itself. The bound lies below it, by the gap.
2π forgotten: 2 * math.pi * s → s; 2 * math.pi * variance → variance
    Your gap is right, but the bound is too large by ½ log 2π = 0.919: that of p(x | z) has a 2π.
likelihood without the hidden part: w**2 + s**2 → s**2
    Your log p(x) has the variance s². When z is not known, x varies with it too: w² + s².
cost without the half: cost = 0.5 * → cost =
    Your cost is twice KL(q ‖ p(z)): the factor 1/2 is missing.
the square has no sign: x - w * m ≡ w * m - x
""")

# The gap is a difference of large numbers, and they may be in single precision.
QUESTION = Question("gaussians.bound", 4, bound, cases, ANSWERS, atol=1e-4)
