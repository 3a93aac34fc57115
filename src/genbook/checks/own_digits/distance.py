"""The Fréchet distance, from two samples."""

from genbook.checks import Case, Question, Tensor, answers, generator, torch


def distance(a, b):
    a, b = a.double(), b.double()
    cov_a, cov_b = torch.cov(a.T), torch.cov(b.T)
    values, vectors = torch.linalg.eigh(cov_a)
    root = vectors * values.clamp(min=0).sqrt() @ vectors.T
    cross = torch.linalg.eigvalsh(root @ cov_b @ root).clamp(min=0).sqrt().sum()
    gap = (a.mean(0) - b.mean(0)).square().sum()
    return gap + cov_a.trace() + cov_b.trace() - 2 * cross


def root_of(c: Tensor) -> Tensor:
    values, vectors = torch.linalg.eigh(c)
    return vectors * values.clamp(min=0).sqrt() @ vectors.T


def cases(seed: int) -> list[Case]:
    g = generator(seed)

    def cloud(n: int, d: int, rank: int, dtype: torch.dtype = torch.float64) -> Tensor:
        mixed = torch.randn(n, rank, generator=g) @ torch.randn(rank, d, generator=g)
        return (mixed + torch.randn(d, generator=g)).to(dtype)

    near = cloud(130, 32, 2, torch.float32)
    return [
        Case((cloud(40, 3, 3), cloud(70, 3, 3)), label="three features"),
        Case((cloud(9, 4, 4), cloud(30, 4, 4)), label="few samples"),
        Case((cloud(60, 5, 2), cloud(50, 5, 3)), label="features that depend on each other"),
        Case((cloud(60, 12, 2), cloud(50, 12, 2)), label="twelve features, two of them used"),
        # The roots of eigenvalues that are zero but for rounding.
        Case((near[:50], near[50:]), label="in single precision"),
    ]


ANSWERS = answers("""
by singular values of centred samples, without a covariance:
    x, y = ((c.double() - c.double().mean(0)) / (len(c) - 1) ** 0.5 for c in (a, b))
    cross = torch.linalg.svdvals(x @ y.T).sum()
    gap = (a.double().mean(0) - b.double().mean(0)).square().sum()
    return gap + (x**2).sum() + (y**2).sum() - 2 * cross
with numpy:
    x, y = a.double().numpy(), b.double().numpy()
    one, two = np.cov(x.T), np.cov(y.T)
    roots = np.sqrt(np.clip(np.linalg.eigvals(one @ two).real, 0, None))
    gap = x.mean(0) - y.mean(0)
    return float(gap @ gap + np.trace(one) + np.trace(two) - 2 * roots.sum())
biased covariances: torch.cov(a.T) → torch.cov(a.T, correction=0)
    torch.cov(b.T) → torch.cov(b.T, correction=0)
    You divide by n. Without bias a covariance divides by n − 1, as torch.cov does. With fifty
    samples a class that makes a difference.
means forgotten: gap + cov_a → cov_a
    Your distance does not depend on the means.
the root of each entry: 2 * cross → 2 * (cov_a @ cov_b).clamp(min=0).sqrt().trace()
    or: 2 * cross → 2 * (cov_a @ cov_b).sqrt().trace()
    You took the root of the entries. The root of a matrix is another thing: the same eigenvectors,
    and the roots of the eigenvalues.
roots as if they commuted: 2 * cross → 2 * (root @ root_of(cov_b)).trace()
    tr(C_a^½ C_b^½) is right if the covariances have the same eigenvectors. In general it is the sum
    of the singular values of that product, which is larger.
roots not clamped: @ root).clamp(min=0) → @ root)
    or: values.clamp(min=0) → values; @ root).clamp(min=0) → @ root)
    Some eigenvalues are zero here, and rounding puts zero eigenvalues below zero, where there is no
    root: clamp them.
cross term once: 2 * cross → cross
    The cross term counts twice: (x − y)² = x² + y² − 2 x y.
root of the result: → distance(a, b).clamp(min=0).sqrt()
    You took the root at the end. The number that is reported is the squared distance.
diagonals only: 2 * cross → 2 * (cov_a.diagonal() * cov_b.diagonal()).sqrt().sum()
    Your cross term uses the diagonals only. That is right if nothing is correlated.
in single precision: a.double(), b.double() → a, b
    Your numbers are computed in single precision. Where an eigenvalue is nearly zero, the root of
    its rounding error is not small: begin with a.double() and b.double().
the length for its square: .square().sum() → .square().sum().sqrt()
    You add the distance of the means. It enters squared, as the covariances do.
mean square for a sum: .square().sum() → .square().mean()
    The squares of the difference of the means are added up, not averaged.
the difference is squared: a.mean(0) - b.mean(0) ≡ b.mean(0) - a.mean(0)
""")
QUESTION = Question("own_digits.distance", 4, distance, cases, ANSWERS, atol=1e-4)
