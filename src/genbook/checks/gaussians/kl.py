"""The divergence of two Gaussians with full covariances."""

from genbook.checks import Case, Question, answers, generator, torch
from genbook.checks.gaussians.shared import gaussian


def kl(m1, C1, m2, C2):
    apart = m1 - m2
    trace = torch.linalg.solve(C2, C1).trace()
    square = apart @ torch.linalg.solve(C2, apart)
    return 0.5 * (trace - len(m1) + square + torch.logdet(C2) - torch.logdet(C1))


def cases(seed: int) -> list[Case]:
    g = generator(seed)
    (m, C), other = gaussian(g, 2), gaussian(g, 2)
    single = torch.float32
    return [
        Case((m, C, *other), label="in the plane"),
        Case((*other, m, C), label="the other way round"),
        Case((*gaussian(g, 5), *gaussian(g, 5)), label="five dimensions"),
        Case((*gaussian(g, 3, single), *gaussian(g, 3, single)), label="single precision"),
        Case((m, C, other[0], C), label="equal covariances"),
        Case((m, C, m, 4 * C), label="equal means"),
        Case((*gaussian(g, 1), *gaussian(g, 1)), label="on a line"),
    ]


ANSWERS = answers("""
with torch:
    normal = torch.distributions.MultivariateNormal
    return torch.distributions.kl_divergence(normal(m1, C1), normal(m2, C2))
in the axes in which the second is a standard normal:
    root = torch.linalg.cholesky(C2.double()).inverse()
    values, white = torch.linalg.eigvalsh(root @ C1.double() @ root.T), root @ (m2 - m1).double()
    return float((values - 1 - values.log()).sum() + white @ white) / 2
reversed: → kl(m2, C2, m1, C1)
    You computed KL(q ‖ p). The average is over the *first* argument, and the inverse is that of the
    second covariance.
the first covariance in the quadratic term: solve(C2, apart) → solve(C1, apart)
    Your distance of the means is measured with C1⁻¹. It comes from the density of the *second*
    Gaussian: (m1 − m2)^T C2⁻¹ (m1 − m2).
symmetrised: → (kl(m1, C1, m2, C2) + kl(m2, C2, m1, C1)) / 2
    You averaged the two directions. KL is not symmetric, and is not meant to be.
half forgotten: 0.5 * →
    Your value is twice the divergence: the factor 1/2 is missing.
dimension forgotten: - len(m1) →
    The dimension D is not subtracted, so a Gaussian's divergence from itself is not 0.
one for D: len(m1) → 1
    You subtract 1 as on a line. In D dimensions it is D: a Gaussian's divergence from itself is 0.
logarithm upside down: torch.logdet(C2) - torch.logdet(C1) → torch.logdet(C1) - torch.logdet(C2)
    Your logarithm has the sign of log(det C1 / det C2). It is log(det C2 / det C1).
no logarithm: + torch.logdet(C2) - torch.logdet(C1) →
    The determinants are missing: log(det C2 / det C1), from the two normalisers.
diagonals only: torch.linalg.solve(C2, C1).trace() → (C1.diagonal() / C2.diagonal()).sum()
    torch.linalg.solve(C2, apart) → (apart / C2.diagonal())
    torch.logdet(C2) - torch.logdet(C1) → (C2.diagonal() / C1.diagonal()).log().sum()
    You used the diagonals only, as if nothing were correlated. Use the matrices: inverse,
    determinant and trace of the product.
inverse of each entry: torch.linalg.solve(C2, C1) → (1 / C2 @ C1)
    torch.linalg.solve(C2, apart) → (1 / C2 @ apart)
    You inverted each entry, 1 / C2. The inverse of a matrix is another thing: torch.linalg.solve.
its sign is squared away: m1 - m2 ≡ m2 - m1
a scalar product has no order:
    apart @ torch.linalg.solve(C2, apart) ≡ torch.linalg.solve(C2, apart) @ apart
""")
QUESTION = Question("gaussians.kl", 3, kl, cases, ANSWERS)
