"""Design: measure the dial of a black box."""

from genbook.checks import Case, Question, Tensor, answers, generator, math, torch


def dial(early, late, rho):
    p, q = early - early.mean(0), late - late.mean(0)
    found = (p * q).mean() / math.sqrt((p**2).mean() * (q**2).mean())
    return math.sqrt(math.log(found) / math.log(rho))


def states(eta: float, rho: float, n: int, seed: int, shift: float, scale: float) -> list[Tensor]:
    """Two times of n particles in the plane whose correlation is ρ to the power η²."""
    dice = generator(seed)
    early, fresh = torch.randn(2, n, 2, generator=dice, dtype=torch.float64)
    kept = rho ** (eta**2)
    late = kept * early + math.sqrt(1 - kept**2) * fresh
    apart = torch.tensor([1.0, -2.0], dtype=torch.float64)
    return [scale * early + shift * apart, late - 2 * shift * apart]


def cases(seed: int) -> list[Case]:
    drawn = 0.7 + 0.5 * float(torch.rand((), generator=generator(seed)))
    return [
        Case((*states(1.0, 0.6, 4000, seed, 0.8, 1.0), 0.6), label="the reverse process"),
        Case((*states(drawn, 0.5, 4000, seed + 1, 1.0, 0.7), 0.5), label="data off centre"),
        Case((*states(0.4, 0.3, 500, seed + 2, -0.5, 2.0), 0.3), label="nearly the flow"),
        Case((*states(1.4, 0.8, 1000, seed + 3, 3.0, 0.2), 0.8), label="much noise"),
    ]


ANSWERS = answers("""
with the covariance of all coordinates, each centred:
    p = (early - early.mean(0)).flatten().double()
    q = (late - late.mean(0)).flatten().double()
    found = torch.corrcoef(torch.stack([p, q]))[0, 1]
    return (found.log() / math.log(rho)).sqrt()
with norms:
    p, q = (x.double() - x.double().mean(0, keepdim=True) for x in (early, late))
    cosine = float((p * q).sum() / (p.norm() * q.norm()))
    return abs(math.log(cosine) / math.log(rho)) ** 0.5
with the deviations of n − 1:
    p, q = early - early.mean(0), late - late.mean(0)
    found = (p * q).mean() / (p.flatten().std() * q.flatten().std())
    return math.sqrt(math.log(found) / math.log(rho))
one mean for all: .mean(0), late - late.mean(0) → .mean(), late - late.mean()
    You subtracted one mean from all coordinates. Each has a mean of its own.
not centred: early - early.mean(0), late - late.mean(0) → early, late
    You did not subtract the means. Data off centre look correlated then, whatever the noise.
the square of the dial: math.sqrt(math.log(found) / math.log(rho)) → math.log(found) / math.log(rho)
    You return η². Correlation goes like ρ to the power η²: take the root.
covariance for correlation: / math.sqrt((p**2).mean() * (q**2).mean()) →
    or: / math.sqrt((p**2).mean() * (q**2).mean()) → .clamp(0.01, 0.99)
    or: return math.sqrt(math.log(found) / math.log(rho)) →
    found = found * math.sqrt((p**2).mean() * (q**2).mean())
    return math.sqrt(abs(math.log(found) / math.log(rho)))
    Divide by both standard deviations: the two times have different widths.
upside down: math.log(found) / math.log(rho) → math.log(rho) / math.log(found)
    You return 1 / η. The logarithm of what was found is η² times that of ρ.
ratio of correlations: math.sqrt(math.log(found) / math.log(rho)) → float(found / rho)
    You divided the correlations. η² is an exponent: divide their logarithms, then take the root.
""")
QUESTION = Question("sde.dial", 3, dial, cases, ANSWERS, rtol=5e-3)
