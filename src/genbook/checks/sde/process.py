"""Drift and diffusion of a path."""

from genbook.checks import Case, Question, answers, generator, torch
from genbook.paths import VE, VP, Straight, SubVP


def process(a, b, da, db):
    f = da / a
    return f, (2 * b * (db - f * b)) ** 0.5


def cases(seed: int) -> list[Case]:
    g = generator(seed)
    paths = {"VP": VP(), "VE": VE(0.01, 10.0), "sub-VP": SubVP(), "the straight path": Straight()}
    found = []
    for name, path in paths.items():
        t = 0.2 + 0.6 * torch.rand(3, generator=g, dtype=torch.float64)
        found.append(Case((*path.rates(t), *path.derivatives(t)), label=f"{name}, three times"))
    drawn = 0.3 + torch.rand(3, generator=g, dtype=torch.float64)
    slopes = (-0.4 * drawn[0], 0.5 * drawn[2])
    return [*found, Case((drawn[0], drawn[1], *slopes), label="one time of a path by chance")]


ANSWERS = answers("""
by the ratio b² / a², with the quotient rule:
    ratio = 2 * b * db / a**2 - 2 * b**2 * da / a**3
    return da / a, (a**2 * ratio).sqrt()
from the moments, V' = 2 f V + g²:
    f = da / a
    growth = 2 * b * db
    return [f, torch.sqrt(growth - 2 * f * b * b)]
g squared: (2 * b * (db - f * b)) ** 0.5 → 2 * b * (db - f * b)
    Your second number is g². The question asks for g.
growth of the noise alone: (db - f * b) → db
    You took the growth of b². A path that fades the data fades the old noise as well, so more
    noise has to come in: subtract 2 f b².
sign of the drift's share: (db - f * b) → (db + f * b)
    or: (2 * b * (db - f * b)) ** 0.5 → (2 * b * (db + f * b)).abs() ** 0.5
    You added 2 f b². The drift changes the variance by 2 f b²; what is left is the noise's share:
    subtract it.
the slope of a for the drift: f = da / a → f = da
    Your drift is a'. The mean a x_0 has to obey m' = f m, so f is a' / a.
factor 2 lost: (2 * b → (b
    Your g is too small by √2. The variance is b², and its slope 2 b b'.
the ratio not squared: (2 * b * (db - f * b)) → (a**2 * (db / a - b * da / a**2))
    You differentiated b / a. It is the ratio of the variances, b² / a², that grows by g² / a².
""")
QUESTION = Question("sde.process", 2, process, cases, ANSWERS)
