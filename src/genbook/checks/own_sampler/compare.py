"""Is one sampler better than another? The mean of the differences, and its error."""

from dataclasses import dataclass

from genbook.checks import Case, Question, answers, generator, np, torch


@dataclass(frozen=True)
class Luck:
    """A measure that depends on the sampler and, more, on the seed."""

    of_seed: dict[int, float]
    of_both: dict[tuple[str, int], float]

    def __call__(self, sampler: str, seed: int) -> float:
        return self.of_seed[seed] + self.of_both[sampler, seed]


def compare(measure, one, other, seeds):
    gaps = [measure(one, seed) - measure(other, seed) for seed in seeds]
    return np.mean(gaps), np.std(gaps, ddof=1) / len(gaps) ** 0.5


def separately(measure, one, other, seeds):
    """As if both had been measured on different seeds."""
    a, b = (np.array([measure(each, seed) for seed in seeds]) for each in (one, other))
    return a.mean() - b.mean(), ((a.var(ddof=1) + b.var(ddof=1)) / len(a)) ** 0.5


def cases(seed: int) -> list[Case]:
    g = generator(seed)

    def case(n: int, label: str) -> Case:
        seeds = torch.randperm(50, generator=g)[:n].tolist()
        luck = torch.randn(3, n, generator=g, dtype=torch.float64)
        of_seed = {s: 2 * float(luck[0, i]) for i, s in enumerate(seeds)}
        of_both = {
            # Now the one is better, now the other.
            (name, s): k * (0.1 + 0.5 * (-1) ** i) + 0.1 * float(luck[1 + k, i])
            for k, name in enumerate(("mine", "DDIM"))
            for i, s in enumerate(seeds)
        }
        return Case((Luck(of_seed, of_both), "mine", "DDIM", seeds), label=label)

    return [case(8, "eight seeds"), case(3, "three seeds"), case(2, "two seeds")]


ANSWERS = answers("""
by torch:
    gap = torch.tensor([float(measure(one, s)) - float(measure(other, s)) for s in seeds]).double()
    return gap.mean(), gap.std() / math.sqrt(len(gap))
in a loop:
    total = squares = 0.0
    for seed in seeds:
        gap = measure(one, seed) - measure(other, seed)
        total, squares = total + gap, squares + gap**2
    n = len(seeds)
    return total / n, ((squares - total**2 / n) / (n - 1) / n) ** 0.5
each by itself: → separately(measure, one, other, seeds)
    Your error is that of two samplers with different noises. They had the same, and what a seed
    does to both falls out of the difference: take the differences first.
divided by n: , ddof=1 →
    You divide by the number of seeds. Without bias it is one less.
of a single seed: / len(gaps) ** 0.5 →
    This is how far the difference of a single seed scatters. The mean of n is known better, by the
    root of n.
no root of n: / len(gaps) ** 0.5 → / len(gaps)
    The mean of n is known better by the *root* of n, not by n.
a variance: np.std(gaps, ddof=1) / len(gaps) ** 0.5 → np.var(gaps, ddof=1) / len(gaps)
    This is the variance of the mean. The error is its root.
the other way round: → compare(measure, other, one, seeds)
    Your difference has the wrong sign: it is one less other.
without a sign: np.mean(gaps) → np.mean(np.abs(gaps))
    or: gaps = [ → gaps = [*map(abs, [; for seed in seeds] → for seed in seeds])]
    You averaged distances. A difference may be below zero, and that is what matters.
an interval: np.std(gaps, ddof=1) → 1.96 * np.std(gaps, ddof=1)
    You return half an interval of 95 %. The question asks for the standard error.
of the first: measure(other, seed) → measure(other, seeds[0])
    Both are measured with the same seed, and each seed is another noise.
""")
QUESTION = Question("own_sampler.compare", 2, compare, cases, ANSWERS)
