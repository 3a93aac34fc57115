"""Density and coverage: the balls of the real points."""

from genbook.checks import Case, Question, answers, generator, torch


def density_coverage(x, real, k):
    radius = torch.cdist(real, real).sort(1).values[:, k]
    inside = torch.cdist(x, real) <= radius
    return inside.sum() / (k * len(x)), inside.any(0).double().mean()


def cases(seed: int) -> list[Case]:
    g = generator(seed)
    x, real = torch.randn(12, 2, generator=g).double(), torch.randn(15, 2, generator=g).double()
    lattice = torch.cartesian_prod(torch.arange(3), torch.arange(2)).double()
    return [
        Case((x, real, 3), label="twelve samples, fifteen real points"),
        Case((0.3 * x, real, 5), label="samples in the middle"),
        Case((x[:4] + 1, real, 1), label="few samples, the nearest neighbour"),
        Case((torch.cat([x, x + 9]), real[:8], 2), label="half of the samples far out"),
        Case((lattice + 2, lattice, 2), label="samples on the edge of a ball"),
    ]


ANSWERS = answers("""
ball by ball:
    radii = [sorted(float((y - z).norm()) for z in real)[k] for y in real]
    counts = [sum(float((y - p).norm()) <= r for p in x) for y, r in zip(real, radii)]
    return sum(counts) / (k * len(x)), sum(map(bool, counts)) / len(real)
with numpy:
    p, q = x.double().numpy(), real.double().numpy()
    radius = np.partition(np.linalg.norm(q[:, None] - q, axis=2), k, axis=1)[:, k]
    count = (np.linalg.norm(q[:, None] - p, axis=2) <= radius[:, None]).sum(1)
    return np.array([count.sum() / (k * len(p)), (count > 0).mean()])
own neighbour: values[:, k] → values[:, k - 1]
    Your balls reach to the neighbour before: each point is at distance zero from itself, and that
    does not count.
balls around the samples: cdist(real, real) → cdist(x, x); <= radius → <= radius[:, None]
    Your balls are around the samples. Density and coverage use those of the real points only; that
    is what protects them from scattered samples.
edge left out: <= radius → < radius
    A ball reaches to the k-th neighbour and holds what is at most that far away: ≤, not <.
not divided by k: (k * len(x)) → len(x)
    Each sample is expected in k balls: divide the count by k.
precision for density: inside.sum() / (k * len(x)) → inside.any(1).double().mean()
    You asked whether a sample lies in any ball. Density counts in how many it lies.
precision for coverage: any(0) → any(1)
    Your second number is the share of samples in a ball. Coverage is that of balls with a sample.
mean over the balls: len(x) → len(real)
    Density is a mean over the samples: divide by their number, not by that of the real points.
swapped: → density_coverage(x, real, k)[::-1]
    Density comes first, then coverage.
a neighbour too far: values[:, k] → values[:, k + 1]
    Your balls reach one neighbour too far. In a sorted row the point itself is at 0, so the k-th
    neighbour is at k.
""")
QUESTION = Question("evaluation.density_coverage", 2, density_coverage, cases, ANSWERS)
