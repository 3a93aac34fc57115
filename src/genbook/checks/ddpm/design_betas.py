"""Design a schedule."""

from genbook.checks import Case, Question, answers, generator, torch


def design_betas(T, first, last):
    log_snr = torch.linspace(first, last, T, dtype=torch.float64)
    alpha_bar = torch.sigmoid(log_snr)
    before = torch.cat([torch.ones(1, dtype=torch.float64), alpha_bar[:-1]])
    return 1 - alpha_bar / before


def cases(seed: int) -> list[Case]:
    low, high = torch.rand(2, generator=generator(seed)).tolist()
    return [
        Case((4, 3.0, -3.0), label="four steps"),
        Case((50, 8.0 + high, -6.0 - low), label="fifty steps"),
        Case((1000, 9.0, -10.0), label="T = 1000"),
    ]


ANSWERS = answers("""
step by step:
    bars = [1, *(1 / (1 + math.exp(-first - (last - first) * i / (T - 1))) for i in range(T))]
    return [1 - now / before for before, now in zip(bars, bars[1:])]
by logarithms:
    logs = -np.logaddexp(0.0, -np.linspace(first, last, T))
    return -np.expm1(np.diff(logs, prepend=0.0))
one minus alpha-bar: / before →
    You returned 1 − ᾱ_t, the noise variance of the whole jump. β_t belongs to one step: α_t = ᾱ_t /
    ᾱ_{t−1}, with ᾱ_0 = 1.
amplitudes: sigmoid(log_snr) → sigmoid(log_snr / 2)
    Your signal-to-noise ratio is √ of what was asked: λ is the logarithm of a²/b², the squares, so
    ᾱ = 1 / (1 + e^{−λ}) without a half.
amplitude for power: sigmoid(log_snr) → sigmoid(log_snr).sqrt()
    You built the β from a_t = √ᾱ_t. The α multiply up to ᾱ_t, which is a_t².
straight in the ratio: linspace(first, last → linspace(math.exp(first), math.exp(last)
    sigmoid(log_snr) → sigmoid(log_snr.log())
    Your signal-to-noise ratio itself falls on a straight line. Its *logarithm* should.
alpha for beta: 1 - alpha_bar / before → alpha_bar / before
    These are the α_t. The question asks for β_t = 1 − α_t.
alpha-bar itself: 1 - alpha_bar / before → alpha_bar
    These are the ᾱ_t, which is half of the way. α_t is the ratio of two neighbours, ᾱ_t / ᾱ_{t−1},
    and β_t = 1 − α_t.
one beta too few: 1 - alpha_bar / before → 1 - alpha_bar[1:] / alpha_bar[:-1]
    You return T − 1 values: β_1 is missing. It leads from ᾱ_0 = 1 to ᾱ_1; put ᾱ_0 in front before
    you divide neighbours.
nothing happens in the first step: torch.ones(1, dtype=torch.float64) → alpha_bar[:1]
    Your β_1 is 0, as if ᾱ_0 were ᾱ_1. Before the first step there is no noise: ᾱ_0 = 1.
single precision is within the tolerance, and a right answer: , dtype=torch.float64 ≡
""")
QUESTION = Question("ddpm.design_betas", 3, design_betas, cases, ANSWERS)
