"""The average that a consistency loss compares with."""

from genbook.checks import Case, Question, answers, generator, torch


def target(average, weights, decay):
    return [decay * old + (1 - decay) * weights[i].detach() for i, old in enumerate(average)]


def cases(seed: int) -> list[Case]:
    g = generator(seed)
    shapes = [(3, 4), (4,), (2, 1, 2)]
    old, new = ([torch.randn(n, generator=g) for n in shapes] for _ in range(2))
    decay = 0.8 + 0.15 * float(torch.rand((), generator=g))
    wide = [[w.double() for w in ws] for ws in (old, new)]
    return [
        Case((old, new, 0.95), label="three tensors"),
        Case((old[:1], new[:1], 0.0), label="decay 0: a copy"),
        Case((*wide, decay), label="double precision"),
    ]


ANSWERS = answers("""
by lerp:
    return [torch.lerp(old, new.detach(), 1 - decay) for old, new in zip(average, weights)]
as a loop, in float64:
    found = []
    for i in range(len(average)):
        found.append(average[i].double() + (1 - decay) * (weights[i] - average[i]).double())
    return found
the weights exchanged: decay * old → (1 - decay) * old; (1 - decay) * weights → decay * weights
    Your average runs after the network: the decay is the share of the *old* average that stays.
a copy of the network: decay * old + (1 - decay) * weights[i].detach() → weights[i].clone()
    You copied the weights. The average moves only a share 1 − decay of the way.
half and half: decay * old + (1 - decay) * weights[i].detach() → (old + weights[i]) / 2
    You took the plain mean. Old and new have the shares decay and 1 − decay.
never moves: decay * old + (1 - decay) * weights[i].detach() → old.clone()
    Your average never moves.
added up: (1 - decay) * weights[i] → weights[i]
    or: decay * old → old
    Your shares add up to more than one, and the average grows without end: the new weights count
    1 − decay, the old ones decay.
only the first: enumerate(average)] → enumerate(average[:1])]
    You averaged the first tensor only.
""")
QUESTION = Question("consistency.target", 2, target, cases, ANSWERS)
