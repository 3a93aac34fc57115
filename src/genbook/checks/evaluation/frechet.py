"""The squared Fréchet distance, from bell to bell."""

from genbook.checks import Case, Question, Tensor, answers, generator, torch


def frechet(mean_a, cov_a, mean_b, cov_b):
    values, vectors = torch.linalg.eigh(cov_a)
    root = vectors * values.clamp(min=0).sqrt() @ vectors.T
    cross = torch.linalg.eigvalsh(root @ cov_b @ root).clamp(min=0).sqrt().sum()
    return (mean_a - mean_b).square().sum() + cov_a.trace() + cov_b.trace() - 2 * cross


def root_of(c: Tensor) -> Tensor:
    values, vectors = torch.linalg.eigh(c)
    return vectors * values.clamp(min=0).sqrt() @ vectors.T


def cases(seed: int) -> list[Case]:
    g = generator(seed)

    def bell(d: int, rank: int) -> tuple[Tensor, Tensor]:
        half = torch.randn(d, rank, generator=g, dtype=torch.float64)
        return torch.randn(d, generator=g, dtype=torch.float64), half @ half.T

    diagonal = (torch.tensor([1.0, 0.0]).double(), torch.tensor([1.0, 4.0]).double().diag())
    return [
        Case((*bell(3, 5), *bell(3, 5)), label="three dimensions"),
        Case((*diagonal, *bell(2, 4)), label="one of them along the axes"),
        Case((*bell(5, 2), *bell(5, 3)), label="covariances without full rank"),
        # So many zero eigenvalues that rounding puts one of them below zero.
        Case((*bell(16, 2), *bell(16, 3)), label="sixteen dimensions, two of them used"),
        Case((*bell(1, 2), *bell(1, 2)), label="one dimension"),
    ]


ANSWERS = answers("""
by singular values:
    cross = torch.linalg.svdvals(root_of(cov_b) @ root_of(cov_a)).sum()
    return ((mean_a - mean_b) ** 2).sum() + torch.trace(cov_a + cov_b) - 2 * cross
with the eigenvalues of the product itself, which are those of the symmetric one:
    torch.linalg.eigvalsh(root @ cov_b @ root) → torch.linalg.eigvals(cov_a @ cov_b).real
square root entry by entry: 2 * cross → 2 * (cov_a @ cov_b).clamp(min=0).sqrt().trace()
    or: 2 * cross → 2 * (cov_a @ cov_b).sqrt().trace()
    You took the root of the entries. The root of a matrix is another thing: the same eigenvectors,
    and the roots of the eigenvalues.
roots as if they commuted: 2 * cross → 2 * (root @ root_of(cov_b)).trace()
    tr(C_a^½ C_b^½) is right if the covariances have the same eigenvectors. In general it is the sum
    of the singular values of that product, which is larger.
roots not clamped: @ root).clamp(min=0) → @ root)
    or: values.clamp(min=0) → values; @ root).clamp(min=0) → @ root)
    Without full rank some eigenvalues are zero, and rounding puts zero eigenvalues below zero,
    where there is no root: clamp them.
cross term once: 2 * cross → cross
    The cross term counts twice: (x − y)² = x² + y² − 2 x y.
no root: @ root).clamp(min=0).sqrt() → @ root)
    You used the trace of C_a C_b, and it is the trace of its root that is wanted.
means forgotten: (mean_a - mean_b).square().sum() + →
    Your distance does not depend on the means.
distance of the means not squared: square().sum() → norm()
    The means enter with the square of their distance, as everything else here does.
root of the result: → frechet(mean_a, cov_a, mean_b, cov_b).clamp(min=0).sqrt()
    You took the root at the end. The number that is reported is the squared distance.
diagonals only: 2 * cross → 2 * (cov_a.diagonal() * cov_b.diagonal()).sqrt().sum()
    Your cross term uses the diagonals only. That is right if nothing is correlated; take the
    eigenvalues of the product.
the difference is squared: mean_a - mean_b ≡ mean_b - mean_a
""")
QUESTION = Question("evaluation.frechet", 3, frechet, cases, ANSWERS, atol=1e-5)
