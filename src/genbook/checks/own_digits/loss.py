"""The forward noising and the loss."""

from genbook.checks import Case, Question, answers, generator, torch
from genbook.checks.own_digits.shared import Classes, schedules


def loss(network, schedule, x0, labels, t, eps):
    xt = schedule.a(t, x0) * x0 + schedule.b(t, x0) * eps
    return (network(xt, t, labels) - eps).square().mean()


def cases(seed: int) -> list[Case]:
    g = generator(seed)
    linear, random = schedules(seed)
    means = torch.randn(10, generator=g)

    def images(n: int) -> tuple[torch.Tensor, ...]:
        x0, eps = torch.randn(2, n, 1, 4, 4, generator=g)
        return x0, torch.randint(0, 10, (n,), generator=g), eps

    def case(schedule, t, label):
        x0, labels, eps = images(len(t))
        return Case((Classes(schedule, means, 0.4), schedule, x0, labels, t, eps), label=label)

    return [
        case(linear, torch.tensor([1, 20, 7, 13, 2]), "five images, one time each"),
        case(random, torch.tensor([9, 2, 5]), "other β"),
        case(linear, torch.tensor([3]), "a single image"),
    ]


ANSWERS = answers("""
with the path's own names:
    a, b = schedule.rates(t, x0)
    return torch.nn.functional.mse_loss(network(a * x0 + b * eps, t, labels), eps)
image by image:
    total = 0.0
    for i in range(len(x0)):
        now = t[i : i + 1]
        bar = schedule.alpha_bars[t[i]]
        xt = bar**0.5 * x0[i : i + 1] + (1 - bar) ** 0.5 * eps[i : i + 1]
        total += (network(xt.float(), now, labels[i : i + 1]) - eps[i]).pow(2).mean()
    return total / len(x0)
the image for the noise: labels) - eps → labels) - x0
    You compare the network's answer with the image. It is asked for the noise.
variance for standard deviation: schedule.b(t, x0) → schedule.b(t, x0) ** 2
    You multiply the noise with 1 − ᾱ_t, which is its variance. Its factor is the root, b_t.
alpha-bar without roots: schedule.a(t, x0) → schedule.a(t, x0) ** 2
    schedule.b(t, x0) → schedule.b(t, x0) ** 2
    You mix with ᾱ_t and 1 − ᾱ_t. Signal and noise have their square roots as factors, a_t and b_t.
a sum over pixels: .mean() → .flatten(1).sum(1).mean()
    or: .mean() → .sum()
    You add the squares up. The question asks for their mean: with a sum the learning rate would
    have to know how many there are.
signal and noise swapped: schedule.a → schedule.b; schedule.b → schedule.a
    Your image gets clearer as t grows: the two factors are swapped.
of one step: schedule.a(t, x0) → schedule.gather("alphas", t, x0) ** 0.5
    schedule.b(t, x0) → schedule.gather("betas", t, x0) ** 0.5
    You add the noise of the last step only. All the noise up to t is meant: a_t is the root of ᾱ_t.
the clean image is shown: network(xt → network(x0
    The network sees the clean image, in which there is no noise to find. Show it x_t.
one time for all: network(xt, t, → network(xt, t[:1].expand(len(t)),
    The network is told the first image's time for every image. Give it the whole of t.
one label for all: labels) → labels[:1].expand(len(labels)))
    The network is told the first image's class for every image. Give it all the labels.
an index too low: → loss(network, schedule, x0, labels, t - 1, eps)
    You read the schedule, or ask the network, at t − 1. Everything here belongs to the time t.
not squared: .square() → .abs()
    You average the distances. The loss is the mean of their squares.
the root of the loss: .mean() → .mean().sqrt()
    You took a root at the end. The loss is the mean square itself.
the square has no sign: network(xt, t, labels) - eps ≡ eps - network(xt, t, labels)
""")
QUESTION = Question("own_digits.loss", 2, loss, cases, ANSWERS)
