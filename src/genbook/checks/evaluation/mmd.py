"""The squared MMD of two samples, without bias."""

from genbook.checks import Case, Question, answers, generator, torch


def mmd(x, y, h):
    def kernel(p, q):
        return torch.exp(-(p[:, None] - q).square().sum(-1) / (2 * h**2))

    def pairs(z):
        return (kernel(z, z).sum() - len(z)) / (len(z) * (len(z) - 1))

    return pairs(x) + pairs(y) - 2 * kernel(x, y).mean()


def cases(seed: int) -> list[Case]:
    g = generator(seed)
    x, y = torch.randn(6, 3, generator=g), torch.randn(9, 3, generator=g) + 0.7
    return [
        Case((x, y, 1.0), label="six and nine points"),
        Case((x.double(), 2 * x[:4].double(), 0.6), label="float64, another bandwidth"),
        Case((x[:2], y[:2], 2.5), label="two points each"),
        Case((x[:, :1], y[:, :1], 0.3), label="one dimension"),
        # Of equal samples the estimate is always negative: the mixed pairs hold the zeros.
        Case((x, x.clone(), 1.0), label="a sample and its copy"),
    ]


ANSWERS = answers("""
pair by pair:
    def mean(pairs):
        return np.mean([math.exp(-float(((p - q) ** 2).sum()) / (2 * h * h)) for p, q in pairs])
    within = sum(mean(itertools.permutations(z, 2)) for z in (x, y))
    return within - 2 * mean(itertools.product(x, y))
in one matrix:
    z, n, m = torch.cat([x, y]).double().numpy(), len(x), len(y)
    k = np.exp(-((z[:, None] - z) ** 2).sum(-1) / (2 * h**2)) - np.identity(n + m)
    a, b, c = k[:n, :n].sum(), k[n:, n:].sum(), k[:n, n:].mean()
    return float(a / (n * (n - 1)) + b / (m * (m - 1)) - 2 * c)
diagonal kept: (kernel(z, z).sum() - len(z)) / (len(z) * (len(z) - 1)) → kernel(z, z).mean()
    You averaged over all pairs, those of a point with itself included. A point is not independent
    of itself, and k(x, x) = 1 is the largest value of all.
divided by n²: (len(z) - 1) → len(z)
    You left the diagonal out of the sum and counted it in the mean: n (n − 1) pairs remain.
pairs halved: sum() - len(z) → triu(1).sum()
    You summed over the pairs with i < j and divided by n (n − 1), the number of ordered pairs.
    There are half as many.
clipped: → mmd(x, y, h).clamp(min=0)
    You clipped the estimate at zero. Below zero is where it often is if there is no difference, and
    without these values its mean is too large: a bias again.
absolute value: → mmd(x, y, h).abs()
    You took the absolute value. An estimate without bias must be free to lie below zero.
mixed term once: 2 * kernel → kernel
    The mixed term counts twice: ‖p − q‖² = ‖p‖² + ‖q‖² − 2⟨p, q⟩.
the 2 in the exponent: (2 * h**2) → h**2
    Your kernel is exp(−d² / h²). The bandwidth here is that of a bell: 2 h².
distance not squared: square().sum(-1) → norm(dim=-1)
    The Gaussian kernel has the square of the distance in its exponent.
bandwidth not squared: h**2 → h
    You divided the squared distance by 2 h; the units do not fit. Divide by 2 h².
root taken: → mmd(x, y, h).clamp(min=0).sqrt()
    You took the root. The estimate is of MMD², may be negative, and its root has a bias.
diagonal kept in the sum: sum() - len(z) → sum()
    You divided by n (n − 1) and left the diagonal in the sum: n pairs of a point with itself, each
    of them 1.
the difference is squared: p[:, None] - q ≡ q - p[:, None]
the mean over a matrix is that over its transpose: kernel(x, y) ≡ kernel(y, x)
""")
QUESTION = Question("evaluation.mmd", 3, mmd, cases, ANSWERS)
