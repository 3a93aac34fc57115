"""One step back by hand."""

from genbook.checks import Question, answers, math, pencil


def by_hand():
    drift = -0.5 * 3 * 1.5
    mean = 1.5 - 0.04 * (drift - 0.625 * 3 * -0.8)
    noisy = mean + 0.5 * math.sqrt(3 * 0.04) * -0.6
    flow = 1.5 - 0.04 * (drift - 0.5 * 3 * -0.8)
    return drift, noisy, flow


ANSWERS = answers("""
term by term, the step split into flow and Langevin:
    flow = 1.5 + 0.04 * 2.25 - 0.04 * 1.2
    extra = 0.5**2 / 2 * 3 * 0.04
    return [-2.25, flow + extra * -0.8 + 0.5 * math.sqrt(0.12) * -0.6, flow]
four decimals, as an array: → np.array([-2.25, 1.4261, 1.542])
the wrong way: mean = 1.5 - → mean = 1.5 +; flow = 1.5 - → flow = 1.5 +
    You went up in time. From t down to s the drift is undone: subtract it, h times.
half lost: -0.5 * 3 * 1.5 → -3 * 1.5
    Your drift is −β x. In the variance preserving process it is −β x / 2.
noise like h: math.sqrt(3 * 0.04) → (math.sqrt(3) * 0.04)
    Your push goes with h. Variances add up in time, so the push goes with √h.
g squared in the push: math.sqrt(3 * 0.04) → (3 * math.sqrt(0.04))
    Your push has g² in it. Its variance is η² g² h, so the push is η g √h.
whole pull without noise: drift - 0.5 * 3 → drift - 3
    Your flow has the whole pull g² s. At η = 0 half of it is left: (1 + η²) / 2.
the drift without x: drift = -0.5 * 3 * 1.5 → drift = -0.5 * 3
    You put f where the drift f x stands. The state is in it: f = −β / 2, and f x = −β x / 2.
the square root of g² forgotten: 0.625 * 3 → 0.625 * math.sqrt(3)
    Your pull has g. It is the variance per unit of time, g² = β, by which the score is weighted.
the dial not in the pull: 0.625 * 3 → 3
    Your pull is that of η = 1. With less noise the crowd needs less of it: (1 + η²) / 2.
eta for its square: 0.625 → 0.75
    Your pull has (1 + η) / 2. It is the variance of the noise that has to be made up for: η².
""")
QUESTION = Question("sde.by_hand", 2, by_hand, pencil("the three numbers"), ANSWERS)
