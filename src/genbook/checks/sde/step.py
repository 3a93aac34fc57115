"""One step of Euler–Maruyama, with the dial."""

from genbook.checks import Case, Question, answers, generator, math, torch


def step(x, score, f, g, h, eta=1.0, noise=None):
    mean = x - h * (f * x - (1 + eta**2) / 2 * g**2 * score)
    return mean if noise is None else mean + eta * g * math.sqrt(h) * noise


def cases(seed: int) -> list[Case]:
    dice = generator(seed)
    images = [torch.randn(3, 1, 4, 4, generator=dice) for _ in range(3)]
    points = [torch.randn(5, 2, generator=dice, dtype=torch.float64) for _ in range(3)]
    f, g = -0.4 - float(torch.rand((), generator=dice)), 1.3 + float(torch.rand((), generator=dice))
    return [
        Case((*points[:2], f, g, 0.05, 1.0, points[2]), label="the reverse process"),
        Case((*images[:2], f, g, 0.1, 0.0), label="η = 0"),
        Case((*points[:2], f, g, 0.02, 0.6, points[2]), label="η in between"),
        Case((*images[:2], 0.0, g, 0.3, 1.5, images[2]), label="VE, more noise than forward"),
        Case((*points[:2], f, g, 0.1, 0.7), label="no noise given, and η > 0"),
        Case((*images[:2], f, g, 0.1), {"noise": images[2]}, label="η not given"),
    ]


ANSWERS = answers("""
flow and Langevin apart, in float64:
    flow = x.double() - h * f * x + 0.5 * h * g * g * score
    stirred = flow + 0.5 * h * (eta * g) ** 2 * score
    return stirred if noise is None else stirred + (h**0.5 * eta * g) * noise
particle by particle:
    rows = []
    for i in range(len(x)):
        pull = (g**2 + (eta * g) ** 2) / 2 * score[i]
        push = 0 if noise is None else eta * g * h**0.5 * noise[i]
        rows.append(x[i] + h * (pull - f * x[i]) + push)
    return torch.stack(rows)
the wrong way: x - h → x + h
    You went up in time. Going down, f x h is subtracted and the pull of the score added.
the drift without x: (f * x - → (f -
    You put f where the drift f x stands: the state is in it.
the score's sign: (f * x - → (f * x +
    You pushed away from the data. The score points to where they are denser: −(f − … g² s) h
    adds it.
noise like h: math.sqrt(h) → h
    Your push goes with h. Independent pushes add their variances, so each goes with √h.
noise deleted and nothing made up: (1 + eta**2) / 2 → 1
    Your pull is g² s, whatever η is. With less noise the crowd needs less of it: (1 + η²) / 2.
the forward sign of the dial: (1 + eta**2) → (1 - eta**2)
    You took 1 − η², which belongs to the way up. Going down noise has to be made up for: 1 + η².
eta for its square: (1 + eta**2) → (1 + eta)
    Your pull has 1 + η. What has to be made up for is the variance of the noise, η² g².
g for its square: g**2 * score → g * score
    Your pull has g. It is the variance g² by which the score is weighted.
g squared in the push: eta * g * math → eta * g**2 * math
    Your push has g². That would be its variance per unit of time; the push is η g √h.
eta squared in the push: eta * g * math → eta**2 * g * math
    Your push has η². That would be its variance; the push is η g √h.
the dial forgotten in the push: eta * g * math → g * math
    Your push does not know η: it is η g √h.
half of the pull: (1 + eta**2) / 2 → (1 + eta**2) / 4
    Your pull is half as strong as it has to be: (1 + η²) / 2 times g² s.
the dial only where there is noise: (1 + eta**2) → (1 + (0 if noise is None else eta) ** 2)
    Where no noise is given you also turned the dial to 0. The pull keeps its (1 + η²) / 2.
""")
QUESTION = Question("sde.step", 3, step, cases, ANSWERS)
