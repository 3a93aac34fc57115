"""The questions of the exercise sheet on evaluation."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import product

import numpy as np
import torch
from torch import Tensor

from genbook.checks import Case, Misconception, Question

__all__ = ["QUESTIONS"]


def _generator(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


# --- 1. By hand ----------------------------------------------------------------------------------


def by_hand() -> tuple[float, float, float]:
    bits = -1 + math.log2(8)
    distance = 4 + 9
    coverage = 1 - (2 / 5) * (1 / 4)
    return bits, distance, coverage


def _by_hand_numbers() -> list[float]:
    return [2.0, 13.0, 0.9]


def _by_hand_formulas() -> Tensor:
    """From the general formulas: change of variables, the trace, and counting subsets."""
    traces = 4 + 25 - 2 * math.sqrt(2 * 25 * 2)
    return torch.tensor([3 - 1, 4 + traces, 1 - math.comb(2, 2) / math.comb(5, 2)])


BY_HAND = Question(
    id="evaluation.by_hand",
    points=2,
    name="by_hand",
    reference=by_hand,
    equivalent_mutants={
        "distance = (1 - 3) ** 2 + (2 - 5) ** 2 → "
        "distance = (3 - 1) ** 2 + (2 - 5) ** 2": "the difference is squared",
        "distance = (1 - 3) ** 2 + (2 - 5) ** 2 → "
        "distance = (1 - 3) ** 2 + (5 - 2) ** 2": "the difference is squared",
    },
    cases=lambda seed: [Case(label="the three numbers")],
    alternatives=(_by_hand_numbers, _by_hand_formulas),
    misconceptions=(
        Misconception(
            "bits of a density",
            lambda: (-1.0, 13.0, 0.9),
            "Your bits are those of the density. A pixel lies in a bin of width 1/8: its "
            "probability is density times width.",
        ),
        Misconception(
            "bin on the wrong side",
            lambda: (-4.0, 13.0, 0.9),
            "A bin narrower than 1 holds less probability, so the code gets longer: −log2(1/8) is "
            "three bits to add, not to subtract.",
        ),
        Misconception(
            "differences of variances",
            lambda: (2.0, 4.0 + 21.0**2, 0.9),
            "In one dimension the second part of the distance is the square of the difference of "
            "the standard deviations, not of the variances.",
        ),
        Misconception(
            "distance of the means only",
            lambda: (2.0, 4.0, 0.9),
            "Your distance compares the means. Two bells of different width are not equal.",
        ),
        Misconception(
            "the distance itself",
            lambda: (2.0, 13**0.5, 0.9),
            "You took the root of the distance. The number asked for, and reported everywhere, is "
            "the squared one.",
        ),
        Misconception(
            "cards put back",
            lambda: (2.0, 13.0, 1 - (3 / 6) ** 2),
            "1 − (m/(n + m))^k would put each card back into the deck. The owner of the ball is "
            "not in it, and a neighbour that has been dealt is gone: (m − j)/(n + m − j).",
        ),
        Misconception(
            "the point itself dealt",
            lambda: (2.0, 13.0, 0.8),
            "You dealt from m real points. The owner of the ball is not its own neighbour: m − 1 "
            "others are in the deck.",
        ),
        Misconception(
            "probability of an empty ball",
            lambda: (2.0, 13.0, 0.1),
            "Your last number is the probability that a ball is empty. Coverage is the share of "
            "the others.",
        ),
    ),
)


# --- 2. MMD without bias -------------------------------------------------------------------------


def _gauss(x: Tensor, y: Tensor, h: float) -> Tensor:
    return torch.exp(-(torch.cdist(x, y) ** 2) / (2 * h**2))


def mmd(x: Tensor, y: Tensor, h: float) -> Tensor:
    def within(z: Tensor) -> Tensor:
        k = torch.exp(-(torch.cdist(z, z) ** 2) / (2 * h**2))
        return (k.sum() - len(z)) / (len(z) * (len(z) - 1))

    between = torch.exp(-(torch.cdist(x, y) ** 2) / (2 * h**2)).mean()
    return within(x) + within(y) - 2 * between


def _mmd_loop(x: Tensor, y: Tensor, h: float) -> float:
    def k(p: Tensor, q: Tensor) -> float:
        return math.exp(-float(((p - q) ** 2).sum()) / (2 * h * h))

    def pairs(z: Tensor) -> list[float]:
        return [k(z[i], z[j]) for i, j in product(range(len(z)), repeat=2) if i != j]

    mixed = [k(p, q) for p in x for q in y]
    return float(np.mean(pairs(x)) + np.mean(pairs(y)) - 2 * np.mean(mixed))


def _mmd_numpy(x: Tensor, y: Tensor, h: float) -> float:
    z = torch.cat([x, y]).double().numpy()
    n, m = len(x), len(y)
    k = np.exp(-((z[:, None] - z) ** 2).sum(-1) / (2 * h**2))
    np.fill_diagonal(k, 0)
    a, b, c = k[:n, :n].sum(), k[n:, n:].sum(), k[:n, n:].mean()
    return float(a / (n * (n - 1)) + b / (m * (m - 1)) - 2 * c)


def _mmd_with(
    own: Callable[[Tensor], Tensor],
    kernel: Callable[[Tensor, Tensor, float], Tensor] = _gauss,
    mixed: float = 2.0,
) -> Callable[..., Tensor]:
    """A wrong MMD: another mean within a sample, kernel, or factor of the mixed term."""

    def wrong(x: Tensor, y: Tensor, h: float) -> Tensor:
        return own(kernel(x, x, h)) + own(kernel(y, y, h)) - mixed * kernel(x, y, h).mean()

    return wrong


def _off_diagonal(k: Tensor) -> Tensor:
    return (k.sum() - k.diagonal().sum()) / (len(k) * (len(k) - 1))


def _mmd_cases(seed: int) -> list[Case]:
    g = _generator(seed)
    x, y = torch.randn(6, 3, generator=g), torch.randn(9, 3, generator=g) + 0.7
    return [
        Case((x, y, 1.0), label="six and nine points"),
        Case((x.double(), 2 * x[:4].double(), 0.6), label="float64, another bandwidth"),
        Case((x[:2], y[:2], 2.5), label="two points each"),
        Case((x[:, :1], y[:, :1], 0.3), label="one dimension"),
        # Of equal samples the estimate is always negative: the mixed pairs hold the zeros.
        Case((x, x.clone(), 1.0), label="a sample and its copy"),
    ]


MMD = Question(
    id="evaluation.mmd",
    points=3,
    name="mmd",
    reference=mmd,
    cases=_mmd_cases,
    alternatives=(_mmd_loop, _mmd_numpy),
    equivalent_mutants={
        "between = torch.exp(-torch.cdist(x, y) ** 2 / (2 * h ** 2)).mean() → "
        "between = torch.exp(-torch.cdist(y, x) ** 2 / (2 * h ** 2)).mean()": (
            "the mean over a matrix is that over its transpose"
        ),
        "return torch.exp(-(p[:, None] - q).square().sum(-1) / (2 * h ** 2)) → "
        "return torch.exp(-(q - p[:, None]).square().sum(-1) / (2 * h ** 2))": (
            "the difference is squared"
        ),
        "return pairs(x) + pairs(y) - 2 * kernel(x, y).mean() → "
        "return pairs(x) + pairs(y) - 2 * kernel(y, x).mean()": (
            "the mean over a matrix is that over its transpose"
        ),
    },
    misconceptions=(
        Misconception(
            "diagonal kept",
            _mmd_with(lambda k: k.mean()),
            "You averaged over all pairs, those of a point with itself included. A point is not "
            "independent of itself, and k(x, x) = 1 is the largest value of all.",
        ),
        Misconception(
            "divided by n²",
            _mmd_with(lambda k: (k.sum() - k.diagonal().sum()) / len(k) ** 2),
            "You left the diagonal out of the sum and counted it in the mean: n (n − 1) pairs "
            "remain.",
        ),
        Misconception(
            "pairs halved",
            _mmd_with(lambda k: k.triu(1).sum() / (len(k) * (len(k) - 1))),
            "You summed over the pairs with i < j and divided by n (n − 1), the number of ordered "
            "pairs. There are half as many.",
        ),
        Misconception(
            "clipped",
            lambda x, y, h: mmd(x, y, h).clamp(min=0),
            "You clipped the estimate at zero. Below zero is where it often is if there is no "
            "difference, and without these values its mean is too large: a bias again.",
        ),
        Misconception(
            "absolute value",
            lambda x, y, h: mmd(x, y, h).abs(),
            "You took the absolute value. An estimate without bias must be free to lie below zero.",
        ),
        Misconception(
            "mixed term once",
            _mmd_with(_off_diagonal, mixed=1.0),
            "The mixed term counts twice: ‖p − q‖² = ‖p‖² + ‖q‖² − 2⟨p, q⟩.",
        ),
        Misconception(
            "the 2 in the exponent",
            _mmd_with(_off_diagonal, lambda x, y, h: torch.exp(-(torch.cdist(x, y) ** 2) / h**2)),
            "Your kernel is exp(−d² / h²). The bandwidth here is that of a bell: 2 h².",
        ),
        Misconception(
            "distance not squared",
            _mmd_with(_off_diagonal, lambda x, y, h: torch.exp(-torch.cdist(x, y) / (2 * h**2))),
            "The Gaussian kernel has the square of the distance in its exponent.",
        ),
        Misconception(
            "bandwidth not squared",
            _mmd_with(
                _off_diagonal, lambda x, y, h: torch.exp(-(torch.cdist(x, y) ** 2) / (2 * h))
            ),
            "You divided the squared distance by 2 h; the units do not fit. Divide by 2 h².",
        ),
        Misconception(
            "root taken",
            lambda x, y, h: mmd(x, y, h).clamp(min=0).sqrt(),
            "You took the root. The estimate is of MMD², may be negative, and its root has a bias.",
        ),
    ),
)


# --- 3. From bell to bell ------------------------------------------------------------------------


def _root(c: Tensor) -> Tensor:
    values, vectors = torch.linalg.eigh(c)
    return vectors * values.clamp(min=0).sqrt() @ vectors.T


def frechet(mean_a: Tensor, cov_a: Tensor, mean_b: Tensor, cov_b: Tensor) -> Tensor:
    values, vectors = torch.linalg.eigh(cov_a)
    root = vectors * values.clamp(min=0).sqrt() @ vectors.T
    cross = torch.linalg.eigvalsh(root @ cov_b @ root).clamp(min=0).sqrt().sum()
    return (mean_a - mean_b).square().sum() + cov_a.trace() + cov_b.trace() - 2 * cross


def _frechet_singular(mean_a: Tensor, cov_a: Tensor, mean_b: Tensor, cov_b: Tensor) -> Tensor:
    cross = torch.linalg.svdvals(_root(cov_b) @ _root(cov_a)).sum()
    return ((mean_a - mean_b) ** 2).sum() + torch.trace(cov_a + cov_b) - 2 * cross


def _frechet_numpy(mean_a: Tensor, cov_a: Tensor, mean_b: Tensor, cov_b: Tensor) -> float:
    """With the eigenvalues of the product itself, which are those of the symmetric one."""
    a, b = cov_a.double().numpy(), cov_b.double().numpy()
    roots = np.sqrt(np.clip(np.linalg.eigvals(a @ b).real, 0, None))
    gap = (mean_a - mean_b).double().numpy()
    return float(gap @ gap + np.trace(a) + np.trace(b) - 2 * roots.sum())


def _frechet_with(cross: Callable[[Tensor, Tensor], Tensor]) -> Callable[..., Tensor]:
    """A wrong distance: another term in the place of the trace of the root."""

    def wrong(mean_a: Tensor, cov_a: Tensor, mean_b: Tensor, cov_b: Tensor) -> Tensor:
        gap = (mean_a - mean_b).square().sum()
        return gap + cov_a.trace() + cov_b.trace() - 2 * cross(cov_a, cov_b)

    return wrong


def _frechet_unclamped(everywhere: bool) -> Callable[..., Tensor]:
    def cross(a: Tensor, b: Tensor) -> Tensor:
        values, vectors = torch.linalg.eigh(a)
        root = vectors * (values if everywhere else values.clamp(min=0)).sqrt() @ vectors.T
        return torch.linalg.eigvalsh(root @ b @ root).sqrt().sum()

    return _frechet_with(cross)


_CLAMP = (
    "Without full rank some eigenvalues are zero, and rounding puts zero eigenvalues below zero, "
    "where there is no root: clamp them."
)


def _frechet_cases(seed: int) -> list[Case]:
    g = _generator(seed)

    def bell(d: int, rank: int) -> tuple[Tensor, Tensor]:
        half = torch.randn(d, rank, generator=g, dtype=torch.float64)
        return torch.randn(d, generator=g, dtype=torch.float64), half @ half.T

    diagonal = (torch.tensor([1.0, 0.0]).double(), torch.diag(torch.tensor([1.0, 4.0])).double())
    return [
        Case((*bell(3, 5), *bell(3, 5)), label="three dimensions"),
        Case((*diagonal, *bell(2, 4)), label="one of them along the axes"),
        Case((*bell(5, 2), *bell(5, 3)), label="covariances without full rank"),
        # So many zero eigenvalues that rounding puts one of them below zero.
        Case((*bell(16, 2), *bell(16, 3)), label="sixteen dimensions, two of them used"),
        Case((*bell(1, 2), *bell(1, 2)), label="one dimension"),
    ]


FRECHET = Question(
    id="evaluation.frechet",
    points=3,
    name="frechet",
    reference=frechet,
    cases=_frechet_cases,
    alternatives=(_frechet_singular, _frechet_numpy),
    atol=1e-5,
    equivalent_mutants={
        "return (mean_a - mean_b).square().sum() + cov_a.trace() + cov_b.trace() - 2 * cross → "
        "return (mean_b - mean_a).square().sum() + cov_a.trace() + cov_b.trace() - 2 * cross": (
            "the difference is squared"
        ),
    },
    misconceptions=(
        Misconception(
            "square root entry by entry",
            _frechet_with(lambda a, b: (a @ b).clamp(min=0).sqrt().trace()),
            "You took the root of the entries. The root of a matrix is another thing: the same "
            "eigenvectors, and the roots of the eigenvalues.",
        ),
        Misconception(
            "roots as if they commuted",
            _frechet_with(lambda a, b: (_root(a) @ _root(b)).trace()),
            "tr(C_a^½ C_b^½) is right if the covariances have the same eigenvectors. In general it "
            "is the sum of the singular values of that product, which is larger.",
        ),
        Misconception("roots not clamped", _frechet_unclamped(False), _CLAMP),
        Misconception("no root clamped", _frechet_unclamped(True), _CLAMP),
        Misconception(
            "cross term once",
            lambda mean_a, cov_a, mean_b, cov_b: (
                frechet(mean_a, cov_a, mean_b, cov_b)
                + torch.linalg.svdvals(_root(cov_a) @ _root(cov_b)).sum()
            ),
            "The cross term counts twice: (x − y)² = x² + y² − 2 x y.",
        ),
        Misconception(
            "no root",
            _frechet_with(lambda a, b: (a @ b).trace()),
            "You used the trace of C_a C_b, and it is the trace of its root that is wanted.",
        ),
        Misconception(
            "means forgotten",
            lambda mean_a, cov_a, mean_b, cov_b: frechet(mean_a, cov_a, mean_a, cov_b),
            "Your distance does not depend on the means.",
        ),
        Misconception(
            "distance of the means not squared",
            lambda mean_a, cov_a, mean_b, cov_b: (
                frechet(mean_a, cov_a, mean_a, cov_b) + (mean_a - mean_b).norm()
            ),
            "The means enter with the square of their distance, as everything else here does.",
        ),
        Misconception(
            "root of the result",
            lambda *bells: frechet(*bells).clamp(min=0).sqrt(),
            "You took the root at the end. The number that is reported is the squared distance.",
        ),
    ),
)


# --- 4. Balls ------------------------------------------------------------------------------------


def density_coverage(x: Tensor, real: Tensor, k: int) -> tuple[Tensor, Tensor]:
    own = torch.cdist(real, real).sort(1).values
    inside = torch.cdist(x, real) <= own[:, k]  # column 0 is the point itself
    return inside.sum() / (k * len(x)), inside.any(0).double().mean()


def _density_loop(x: Tensor, real: Tensor, k: int) -> tuple[float, float]:
    held, visited = 0, 0
    for j, y in enumerate(real):
        others = sorted(float((y - z).norm()) for i, z in enumerate(real) if i != j)
        count = sum(float((y - p).norm()) <= others[k - 1] for p in x)
        held, visited = held + count, visited + (count > 0)
    return held / (k * len(x)), visited / len(real)


def _density_numpy(x: Tensor, real: Tensor, k: int) -> np.ndarray:
    p, q = x.double().numpy(), real.double().numpy()
    own = np.linalg.norm(q[:, None] - q, axis=2)
    np.fill_diagonal(own, np.inf)
    radius = np.partition(own, k - 1, axis=1)[:, k - 1]
    count = (np.linalg.norm(q[:, None] - p, axis=2) <= radius[:, None]).sum(1)
    return np.array([count.sum() / (k * len(p)), (count > 0).mean()])


def _inside(x: Tensor, real: Tensor, k: int) -> Tensor:
    """Which sample (row) lies in which real point's ball (column)."""
    radius = torch.cdist(real, real).sort(1).values[:, k]
    return (torch.cdist(x, real) <= radius).double()


def _balls_of_samples(x: Tensor, real: Tensor, k: int) -> tuple[Tensor, Tensor]:
    inside = _inside(real, x, k).T
    return inside.sum() / (k * len(x)), inside.amax(0).mean()


def _open_balls(x: Tensor, real: Tensor, k: int) -> tuple[Tensor, Tensor]:
    radius = torch.cdist(real, real).sort(1).values[:, k]
    inside = torch.cdist(x, real) < radius
    return inside.sum() / (k * len(x)), inside.any(0).double().mean()


def _density_cases(seed: int) -> list[Case]:
    g = _generator(seed)
    x, real = torch.randn(12, 2, generator=g).double(), torch.randn(15, 2, generator=g).double()
    lattice = torch.cartesian_prod(torch.arange(3), torch.arange(2)).double()
    return [
        Case((x, real, 3), label="twelve samples, fifteen real points"),
        Case((0.3 * x, real, 5), label="samples in the middle"),
        Case((x[:4] + 1, real, 1), label="few samples, the nearest neighbour"),
        Case((torch.cat([x, x + 9]), real[:8], 2), label="half of the samples far out"),
        Case((lattice + 2, lattice, 2), label="samples on the edge of a ball"),
    ]


DENSITY = Question(
    id="evaluation.density_coverage",
    points=3,
    name="density_coverage",
    reference=density_coverage,
    cases=_density_cases,
    alternatives=(_density_loop, _density_numpy),
    misconceptions=(
        Misconception(
            "own neighbour",
            lambda x, real, k: (
                lambda inside: (inside.sum() / (k * len(x)), inside.amax(0).mean())
            )(_inside(x, real, k - 1)),
            "Your balls reach to the neighbour before: each point is at distance zero from itself, "
            "and that does not count.",
        ),
        Misconception(
            "balls around the samples",
            _balls_of_samples,
            "Your balls are around the samples. Density and coverage use those of the real points "
            "only; that is what protects them from scattered samples.",
        ),
        Misconception(
            "edge left out",
            _open_balls,
            "A ball reaches to the k-th neighbour and holds what is at most that far away: ≤, "
            "not <.",
        ),
        Misconception(
            "not divided by k",
            lambda x, real, k: (
                _inside(x, real, k).sum() / len(x),
                _inside(x, real, k).amax(0).mean(),
            ),
            "Each sample is expected in k balls: divide the count by k.",
        ),
        Misconception(
            "precision for density",
            lambda x, real, k: (
                _inside(x, real, k).amax(1).mean(),
                _inside(x, real, k).amax(0).mean(),
            ),
            "You asked whether a sample lies in any ball. Density counts in how many it lies.",
        ),
        Misconception(
            "precision for coverage",
            lambda x, real, k: (
                _inside(x, real, k).sum() / (k * len(x)),
                _inside(x, real, k).amax(1).mean(),
            ),
            "Your second number is the share of samples in a ball. Coverage is the share of balls "
            "with a sample.",
        ),
        Misconception(
            "mean over the balls",
            lambda x, real, k: (
                _inside(x, real, k).sum() / (k * len(real)),
                _inside(x, real, k).amax(0).mean(),
            ),
            "Density is a mean over the samples: divide by their number, not by that of the real "
            "points.",
        ),
        Misconception(
            "swapped",
            lambda x, real, k: density_coverage(x, real, k)[::-1],
            "Density comes first, then coverage.",
        ),
    ),
)


# --- 5. Repair a test ----------------------------------------------------------------------------


Statistic = Callable[[Tensor, Tensor], Tensor]


def mean_gap(x: Tensor, y: Tensor) -> Tensor:
    """|mean difference|², times (n m)²: on whole numbers exact, so rounding decides no tie."""
    return (len(y) * x.sum(0) - len(x) * y.sum(0)).square().sum()


def lead(x: Tensor, y: Tensor) -> Tensor:
    return x.mean() - y.mean()


def p_value(x: Tensor, y: Tensor, statistic: Statistic, orders: Tensor) -> float:
    pooled = torch.cat([x, y])
    value = statistic(x, y)
    null = [statistic(pooled[order[: len(x)]], pooled[order[len(x) :]]) for order in orders]
    return (1 + sum(bool(v >= value) for v in null)) / (1 + len(orders))


def _p_value_stacked(x: Tensor, y: Tensor, statistic: Statistic, orders: Tensor) -> Tensor:
    shuffled = torch.cat([x, y])[orders]
    values = torch.stack(
        [statistic(x, y), *(statistic(*z.tensor_split([len(x)])) for z in shuffled)]
    )
    return (values >= values[0]).double().mean()


def _p_value_loop(x: Tensor, y: Tensor, statistic: Statistic, orders: Tensor) -> float:
    rows, count = [*x, *y], 1
    for order in orders.tolist():
        named_x = torch.stack([rows[i] for i in order[: len(x)]])
        named_y = torch.stack([rows[i] for i in order[len(x) :]])
        count += int(not statistic(named_x, named_y) < statistic(x, y))
    return count / (len(orders) + 1)


def _p_value_with(
    cut: Callable[[int, int], int],
    one: int,
    at_least: Callable[[Tensor, Tensor], Tensor] = torch.ge,
) -> Callable[..., float]:
    """A wrong p-value: another cut, without the measured value, or another comparison."""

    def wrong(x: Tensor, y: Tensor, statistic: Statistic, orders: Tensor) -> float:
        pooled, n = torch.cat([x, y]), cut(len(x), len(y))
        value = statistic(x, y)
        null = [statistic(pooled[order[:n]], pooled[order[n:]]) for order in orders]
        return (one + sum(bool(at_least(v, value)) for v in null)) / (one + len(orders))

    return wrong


def _only_x(x: Tensor, y: Tensor, statistic: Statistic, orders: Tensor) -> float:
    value = statistic(x, y)
    null = [statistic(x[order[order < len(x)]], y) for order in orders]
    return (1 + sum(bool(v >= value) for v in null)) / (1 + len(orders))


def _p_value_cases(seed: int) -> list[Case]:
    g = _generator(seed)

    def orders(n: int, many: int) -> Tensor:
        return torch.rand(many, n, generator=g).argsort(1)

    x = torch.randint(-9, 10, (5, 2), generator=g).double()
    y = torch.randint(-9, 10, (12, 2), generator=g).double() + 3
    far = torch.tensor([[5.0], [6.0], [7.0]]).double()
    near = torch.tensor([[0.0], [0.0], [1.0], [1.0], [2.0], [2.0], [3.0]]).double()
    # The true labelling itself is among the shuffles, so that ties and the cut are seen.
    certain = torch.cat([torch.arange(10)[None], orders(10, 30)])
    return [
        Case((x, y, mean_gap, orders(17, 60)), label="five and twelve points"),
        Case((near[:3], near[3:], lead, orders(7, 80)), label="a statistic with ties"),
        Case((far, near, lead, certain), label="a clear difference"),
        Case((near[4:], near[:4], lead, orders(7, 80)), label="three and four points"),
        Case((x[:2], y[:6], mean_gap, orders(8, 50)), label="two and six points"),
    ]


P_VALUE = Question(
    id="evaluation.p_value",
    points=3,
    name="p_value",
    reference=p_value,
    cases=_p_value_cases,
    alternatives=(_p_value_stacked, _p_value_loop),
    misconceptions=(
        Misconception(
            "as given",
            _p_value_with(lambda n, m: (n + m) // 2, 0),
            "Both mistakes are still there. Count the rows that are called x after a shuffle, and "
            "ask whether p may be zero.",
        ),
        Misconception(
            "still cut in the middle",
            _p_value_with(lambda n, m: (n + m) // 2, 1),
            "The measured value is counted now. But a shuffle must give as many rows to x as x "
            "has; you cut in the middle.",
        ),
        Misconception(
            "measured value not counted",
            _p_value_with(lambda n, m: n, 0),
            "The cut is right now. But the measured value is one of the 1 + P values: without it p "
            "can be zero, which no number of shuffles supports.",
        ),
        Misconception(
            "one in the numerator only",
            lambda x, y, statistic, orders: (
                p_value(x, y, statistic, orders) * (1 + len(orders)) / len(orders)
            ),
            "You added the measured value to those that are as large, but not to the number of "
            "all: p may exceed 1. Divide by 1 + P.",
        ),
        Misconception(
            "strictly larger",
            _p_value_with(lambda n, m: n, 1, torch.gt),
            "You counted values larger than the measured one. A shuffle that ties is as extreme as "
            "the measured value, so it counts.",
        ),
        Misconception(
            "smaller values",
            _p_value_with(lambda n, m: n, 1, torch.le),
            "You counted the small values. A large statistic speaks for a difference, so p is the "
            "share of shuffles that give one at least as large.",
        ),
        Misconception(
            "only x shuffled",
            _only_x,
            "You changed the order of the rows within x. No name changed hands, so the statistic "
            "is always the same.",
        ),
    ),
)


# --- 6. Design: remove a bias --------------------------------------------------------------------


Number = Callable[[Tensor], Tensor | float]


def spread(x: Tensor) -> Tensor:
    """The variance divided by N: biased by −variance / N exactly."""
    return (x - x.mean(0)).square().mean(0).sum()


def plain_spread(x: Tensor) -> float:
    """The same as a plain number, as :func:`genbook.evaluation.frechet` returns one."""
    return float(spread(x))


def squared_mean(x: Tensor) -> Tensor:
    return x.mean(0).square().sum()


def without_bias(statistic: Number, x: Tensor, splits: list[int]) -> float:
    means = [np.mean([float(statistic(piece)) for piece in x.tensor_split(n)]) for n in splits]
    return float(np.polyfit(splits, means, 1)[1])


def _without_bias_lstsq(statistic: Number, x: Tensor, splits: list[int]) -> Tensor:
    values = [[float(statistic(piece)) for piece in x.tensor_split(n)] for n in splits]
    means = torch.tensor([sum(v) / len(v) for v in values]).double()
    line = torch.stack([torch.ones(len(splits)), torch.tensor(splits)], 1).double()
    return torch.linalg.lstsq(line, means.double()[:, None]).solution[0, 0]


def _without_bias_covariance(statistic: Number, x: Tensor, splits: list[int]) -> float:
    m = np.array(splits, dtype=float)
    y = np.array([np.mean([float(statistic(p)) for p in x.tensor_split(n)]) for n in splits])
    slope = ((m - m.mean()) * y).sum() / ((m - m.mean()) ** 2).sum()
    return float(y.mean() - slope * m.mean())


def _without_bias_with(
    horizontal: Callable[[np.ndarray], np.ndarray] = lambda m: m,
    which: int = 1,
    pieces: Callable[[tuple[Tensor, ...]], tuple[Tensor, ...]] = lambda p: p,
) -> Callable[..., float]:
    """A wrong extrapolation: other abscissas, the slope, or not all of the pieces."""

    def wrong(statistic: Number, x: Tensor, splits: list[int]) -> float:
        y = [np.mean([float(statistic(p)) for p in pieces(x.tensor_split(n))]) for n in splits]
        return float(np.polyfit(horizontal(np.array(splits, dtype=float)), y, 1)[which])

    return wrong


def _without_bias_cases(seed: int) -> list[Case]:
    g = _generator(seed)
    x = 2 * torch.randn(120, 3, generator=g, dtype=torch.float64) + 0.3
    return [
        Case((squared_mean, x, [1, 2, 3, 4]), label="a squared mean"),
        Case((spread, x, [1, 2, 4, 8]), label="a variance divided by N"),
        Case((squared_mean, x[:60, :1], [2, 5]), label="two points of the line"),
        Case((plain_spread, x[:90], [1, 3, 5]), label="a statistic that returns a plain number"),
    ]


WITHOUT_BIAS = Question(
    id="evaluation.without_bias",
    points=3,
    name="without_bias",
    reference=without_bias,
    cases=_without_bias_cases,
    alternatives=(_without_bias_lstsq, _without_bias_covariance),
    misconceptions=(
        Misconception(
            "over the size of a piece",
            _without_bias_with(lambda m: 1 / m),
            "You fitted the line over 1/m, which is like the size of a piece. The bias is like one "
            "over that size, so it is a straight line over m.",
        ),
        Misconception(
            "the slope",
            _without_bias_with(which=0),
            "You returned the slope, which is the bias of the whole sample. The value without bias "
            "is where the line meets m = 0.",
        ),
        Misconception(
            "no extrapolation",
            lambda statistic, x, splits: float(statistic(x)),
            "This is the statistic of the whole sample, with all of its bias.",
        ),
        Misconception(
            "mean of the points",
            lambda statistic, x, splits: float(
                np.mean([np.mean([float(statistic(p)) for p in x.tensor_split(n)]) for n in splits])
            ),
            "You averaged over the splits. All of them have a bias of the same sign; a mean does "
            "not remove it, a line does.",
        ),
        Misconception(
            "first piece only",
            _without_bias_with(pieces=lambda p: p[:1]),
            "You used one piece of each split. Take the mean over all pieces, or most of the "
            "sample is thrown away.",
        ),
        Misconception(
            "pieces of m points",
            lambda statistic, x, splits: float(
                np.polyfit(
                    splits,
                    [np.mean([float(statistic(p)) for p in x.split(m)]) for m in splits],
                    1,
                )[1]
            ),
            "x.split(m) cuts into pieces of m points. You want m pieces: x.tensor_split(m).",
        ),
        Misconception(
            "through the ends",
            lambda statistic, x, splits: _without_bias_with()(
                statistic, x, [splits[0], splits[-1]]
            ),
            "Your line goes through two of its points. Least squares uses all splits.",
        ),
        Misconception(
            "line at one",
            lambda statistic, x, splits: (
                _without_bias_with()(statistic, x, splits)
                + _without_bias_with(which=0)(statistic, x, splits)
            ),
            "You read the line at m = 1, which is the whole sample. Read it at m = 0.",
        ),
    ),
)


QUESTIONS = [
    BY_HAND,
    MMD,
    FRECHET,
    DENSITY,
    P_VALUE,
    WITHOUT_BIAS,
    Question(id="evaluation.explain", points=2, name="explain", manual=True),
]
