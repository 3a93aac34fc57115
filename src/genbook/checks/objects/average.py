"""The average, with numbers of its own."""

from genbook import objects
from genbook.checks import Case, Question, answers, torch
from genbook.checks.machinery import compare
from genbook.checks.machinery.trusted import theirs


class Average:
    def __init__(self, model, decay):
        self.model, self.decay, self.updates = model, decay, 0
        self.weights = {name: p.detach().clone() for name, p in model.named_parameters()}

    def update(self):
        self.updates += 1
        d = min(self.decay, (1 + self.updates) / (10 + self.updates))
        with torch.no_grad():
            for name, parameter in self.model.named_parameters():
                self.weights[name].lerp_(parameter, 1 - d)


class Shipped(objects.EMA):
    weights = property(lambda self: self.average)


def use(answer, decay, updates, seed):
    """Let a network move at random before each update, and read the average three times.

    Gradients are on, as in a training loop that forgot to switch them off.
    """
    g = torch.Generator().manual_seed(seed)
    model = torch.nn.Linear(2, 3).double()
    parameters = dict(model.named_parameters())

    def move():
        for parameter in parameters.values():
            parameter.data.normal_(generator=g)

    def weights():
        return compare.bare(theirs(dict, theirs(getattr, average, "weights")))

    move()
    average = answer(model, decay)
    read = {"weights at the start": objects.snapshot(weights())}
    move()
    read["weights after the network moved, before any update"] = objects.snapshot(weights())
    ends = leaves(parameters)
    for end in ends:
        end.metadata["seen"] = True
    for n in range(updates):
        if n:
            move()
        theirs(lambda: average.update())
    del ends, end
    held = weights()
    read[f"weights after {updates} updates"] = objects.snapshot(held)
    read["weights with a history (grad_fn)"] = sum(w.grad_fn is not None for w in held.values())
    remembered = sum("seen" in leaf.metadata for leaf in leaves(parameters))
    read["weights of the network in a history that is kept elsewhere"] = remembered
    for weight in held.values():
        weight.data.add_(1)
    read["the network, after 1 was added to the average"] = compare.bare(parameters)
    return read


def leaves(parameters):
    """Where histories that lead to parameters end. They live only as long as such histories."""
    with torch.enable_grad():
        return [p.view_as(p).grad_fn.next_functions[0][0] for p in parameters.values()]


def cases(seed: int) -> list[Case]:
    story = "average = Average(network, {}); then {} times: the network moves, average.update()"
    return [
        Case((decay, updates, seed), label=label, story=story.format(decay, updates))
        for decay, updates, label in (
            (0.9, 3, "three updates, all warm-up"),
            (0.5, 30, "thirty updates, past the warm-up"),
            (0.999, 60, "sixty updates with a slow decay"),
            (0.0, 2, "decay 0"),
        )
    ]


ANSWERS = answers("""
of new tensors: no_grad → enable_grad
    .lerp_(parameter, 1 - d) → = d * self.weights[name] + (1 - d) * parameter.detach()
in the parameters of a copied network, which ask for gradients and have no history:
    .detach().clone() →; in model → in objects.snapshot(model).requires_grad_()
by reference: .clone() →
    or: .clone() →; .lerp_(parameter, 1 - d) → = d * self.weights[name] + (1 - d) * parameter
    or: .clone() →; .lerp_(parameter, 1 - d) → .mul_(d).add_(parameter, alpha=1 - d)
    or: .clone() →; .lerp_(parameter, 1 - d) → .mul_(d).add_((1 - d) * parameter)
    or: .detach().clone() →; no_grad → enable_grad
    .lerp_(parameter, 1 - d) → = d * self.weights[name] + (1 - d) * parameter
    Your average shares its numbers with the network: it moves before any update. `detach()` is no
    copy; `clone()` is.
with a history: no_grad → enable_grad
    Your numbers are right, but the average remembers how it was computed: a graph that grows with
    every update, until the memory is full. Put `@torch.no_grad()` above `update`, or take
    `parameter.detach()`.
no warm-up: min(self.decay, (1 + self.updates) / (10 + self.updates)) → self.decay
    Your decay is the same in every update. With warm-up it is min(decay, (1 + n) / (10 + n)).
counted from zero: decay, 0 → decay, -1
    Your first update uses n = 0. Updates are counted from 1.
counted from two: decay, 0 → decay, 1
    Your first update uses n = 2. Do you count before the first update as well?
max for min: min( → max(
    You take the larger of the two decays. The warm-up shall make the decay *smaller* at first.
weights exchanged: 1 - d → d
    You multiply the new weights with the decay. The decay is the share of the *old* average.
starts at zero: p.detach().clone() → torch.zeros_like(p)
    Your average starts at zero. It starts as a copy of the network's weights.
""")
QUESTION = Question("objects.average", 4, Average, cases, ANSWERS, alternatives=(Shipped,), use=use)
