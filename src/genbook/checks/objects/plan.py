"""Choose a decay."""

from genbook.checks import Case, Question, answers, math


def plan(tau, share):
    decay = math.exp(-1 / tau)
    n = math.floor(math.log(share) / math.log(decay)) + 1
    return decay, n


def cases(seed: int) -> list[Case]:
    return [
        Case((100, 0.01), label="a hundred steps, one per cent"),
        Case((1000, 0.5), label="half"),
        Case((5.5 + seed, 1e-3), label="a short window"),
        Case((2.0, 0.9), label="nearly all may stay"),
        Case((1 / math.log(2), 0.25), label="a share that is reached exactly, and not below it"),
    ]


ANSWERS = answers("""
by counting:
    decay = math.e ** (-1 / tau)
    return [decay, next(n for n in range(1, 10**6) if decay**n < share)]
in units of the time constant, share = exp(-n / tau):
    n = torch.floor(-tau * torch.tensor(share, dtype=torch.float64).log()) + 1
    return torch.exp(torch.tensor(-1 / tau, dtype=torch.float64)), n.long()
approximate decay: math.exp(-1 / tau) → 1 - 1 / tau
    Your decay is 1 − 1/τ, which is the rule of thumb for long windows. Solve τ = −1/ln d for d.
half-life: → (0.5 ** (1 / tau), math.floor(-tau * math.log2(share)) + 1)
    Your shares fall to one half after τ steps. The time constant is that in which they fall to 1/e.
one update short: + 1 →
    After your n updates the start still has at least the given share. Its share after n updates is
    dⁿ: take the first n for which it is below.
not rounded: math.floor →; + 1 →
    Your n is not a whole number. It counts updates: take the first one after which the start has
    less than the given share.
the newest weight: math.log(share) → math.log(share / (1 - decay)); decay, n → decay, max(1, n)
    You asked when (1 − d) dⁿ falls below the share. An iterate has such a share; the start has dⁿ,
    without the factor.
not less but equal: math.floor → math.ceil; + 1 →
    Where dⁿ is exactly the share you stop. It has to be less: one update more.
one update too many: + 1 → + 2
    Your n is one too large: after n − 1 updates the start counts less than the share already.
""")
QUESTION = Question("objects.plan", 2, plan, cases, ANSWERS, rtol=1e-7)
