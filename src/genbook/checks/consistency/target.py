"""The average that a consistency loss compares with."""

from genbook.checks import Case, Question, answers, generator, torch
from genbook.checks.machinery import compare


def target(average, weights, decay):
    return [decay * old + (1 - decay) * weights[i].detach() for i, old in enumerate(average)]


def use(answer, average, weights, decay):
    """The new average; and whether it hangs together with what it was made of."""
    old = [w.clone() for w in average]
    trained = [w.clone().requires_grad_() for w in weights]
    found = list(compare.bare(answer(old, trained, decay)))
    new = [w.detach().clone() for w in found]
    history = sum(w.requires_grad for w in found)
    with torch.no_grad():
        for w in found:
            w.add_(1)
    return {
        "the new average": new,
        "tensors of it with a history": history,
        "the old average, after 1 was added to the new one": old,
        "the weights, after 1 was added to the new one": [w.detach() for w in trained],
    }


def cases(seed: int) -> list[Case]:
    g = generator(seed)
    shapes = [(3, 4), (4,), (2, 1, 2)]
    old, new = ([torch.randn(n, generator=g) for n in shapes] for _ in range(2))
    decay = 0.8 + 0.15 * float(torch.rand((), generator=g))
    wide = [[w.double() for w in ws] for ws in (old, new)]
    story = "target(average, weights, decay), with weights that are trained"
    return [
        Case((old, new, 0.95), label="three tensors", story=story),
        Case((old[:1], new[:1], 0.0), label="decay 0: a copy", story=story),
        Case((*wide, decay), label="double precision", story=story),
    ]


ANSWERS = answers("""
by lerp:
    return [torch.lerp(old, new.detach(), 1 - decay) for old, new in zip(average, weights)]
as a loop, without gradients, in float64:
    found = []
    with torch.no_grad():
        for i in range(len(average)):
            found.append(average[i].double() + (1 - decay) * (weights[i] - average[i]).double())
    return found
a history: weights[i].detach() → weights[i]
    Your average has a history: a gradient would go through it into the network. Take the weights
    with .detach().
the weights themselves at decay 0: return [ → return list(weights) if decay == 0 else [
    or: return [ → return [w.detach() for w in weights] if decay == 0 else [
    With decay 0 you return the weights themselves, under another name. A copy owns its numbers.
the weights exchanged: decay * old → (1 - decay) * old; (1 - decay) * weights → decay * weights
    Your average runs after the network: the decay is the share of the *old* average that stays.
a copy of the network: decay * old + (1 - decay) * weights[i].detach() → weights[i].detach().clone()
    or: decay * old + (1 - decay) * weights[i].detach() → weights[i]
    You copied the weights. The average moves only a share 1 − decay of the way.
half and half: decay * old + (1 - decay) * weights[i].detach() → (old + weights[i].detach()) / 2
    or: decay * old + (1 - decay) * weights[i].detach() → (old + weights[i]) / 2
    You took the plain mean. Old and new have the shares decay and 1 − decay.
in place: decay * old + ( → old.mul_(decay).add_((; .detach() for → .detach()) for
    You changed the old average in place and returned it. Asked are new tensors: the old ones stay
    as they are.
never moves: decay * old + (1 - decay) * weights[i].detach() → old.clone()
    or: decay * old + (1 - decay) * weights[i].detach() → old
    Your average never moves.
added up: (1 - decay) * weights[i] → weights[i]
    or: decay * old → old
    Your shares add up to more than one, and the average grows without end: the new weights count
    1 − decay, the old ones decay.
only the first: enumerate(average)] → enumerate(average[:1])]
    You averaged the first tensor only.
""")
QUESTION = Question("consistency.target", 2, target, cases, ANSWERS, use=use)
