"""What the weights are worth: digits drawn with the book's own step, and compared class by class.

A hundred digits of each class, ten calls, η = 1: what a right answer to the sheet's questions makes
of these weights. So nothing of the student's runs here.
"""

from functools import partial

from genbook import evaluation
from genbook.checks import Tensor, generator, torch
from genbook.checks.own_digits.distance import distance
from genbook.checks.own_digits.report import report
from genbook.checks.own_digits.sample import sample
from genbook.checks.own_digits.step import step
from genbook.data import digits
from genbook.nn import UNet
from genbook.schedules import NoiseSchedule

CALLS, ETA, EACH = 10, 1.0, 100
BOUND = 8.0  # ``python tests/bound.py own_digits.train`` shows what lies on either side
linear = NoiseSchedule.linear(1000)


def build() -> UNet:
    """The network that the sheet prescribes."""
    return UNet(classes=digits.CLASSES, base=16, multipliers=(1,), patch=2)


def drawn(network: torch.nn.Module, seed: int, each: int = EACH) -> tuple[Tensor, Tensor]:
    """So many digits of each class, and their labels."""
    g = generator(seed)
    labels = torch.arange(digits.CLASSES).repeat(each)
    x, *noises = torch.randn(CALLS + 1, len(labels), *digits.SHAPE, generator=g)

    def jump(x: Tensor, eps: Tensor, t: int, s: int, noise: Tensor) -> Tensor:
        return step(linear, x, eps, t, s, ETA, noise)

    asked = partial(sample, network, jump, linear.T, CALLS)
    return asked(x, labels, noises), labels


def measured(x: Tensor, labels: Tensor) -> tuple[float, float]:
    """The distance within the classes, and the class accuracy."""
    train = digits.load("train")
    features, real = evaluation.features(x), evaluation.features(train.images)
    within, right = report(distance, features, labels, evaluation.predict(x), real, train.labels)
    return float(within), float(right)


def score(network: torch.nn.Module, seed: int) -> tuple[float, float]:
    """The distance within the classes, and how far it is off by the luck of the draw.

    The error comes from four parts of 25 digits a class. No part's distance is near the whole's,
    which has less bias, but they scatter twice as much.
    """
    x, labels = drawn(network, seed)
    value, _ = measured(x, labels)
    parts = zip(x.tensor_split(4), labels.tensor_split(4), strict=True)
    apart = torch.tensor([measured(*part)[0] for part in parts])
    return value, float(apart.std()) / 2


def losses(network: torch.nn.Module, seed: int) -> dict[str, float]:
    """The loss on test images as it was asked for (""), and with each of the known mistakes.

    With them three numbers of another kind: the loss with little noise and with much, and how loud
    the answer is beside the noise, at times in which it is neither hidden nor plain to see. A
    regression is never louder than 1; one that was trained on fainter noise is.
    """
    g = generator(seed)
    x0, labels = digits.load("test")
    t = torch.randint(1, linear.T + 1, (len(x0),), generator=g)
    eps = torch.randn(x0.shape, generator=g)
    a, b = linear.rates(t, x0)
    xt = a * x0 + b * eps

    def loss(told: Tensor, asked: Tensor | None) -> float:
        return apart(network(xt, told, asked), eps)

    answer = network(xt, t, labels)
    little, middle, much = t <= 333, (t > 150) & (t <= 450), t > 667
    loud = (answer * eps)[middle].sum() / eps[middle].square().sum()
    return {
        "": apart(answer, eps),
        "little noise": apart(answer[little], eps[little]),
        "much noise": apart(answer[much], eps[much]),
        "loudness": float(loud),
        "the image for the noise": apart(answer, x0),
        "no time": min(loss(torch.full_like(t, at), labels) for at in (0, 1, linear.T)),
        "time as a fraction": loss(t / linear.T, labels),
        "no labels": loss(t, None),
        "labels of other images": loss(t, labels.roll(7)),
    }


def apart(output: Tensor, target: Tensor) -> float:
    return float((output - target).square().mean())


def diagnose(network: torch.nn.Module, seed: int) -> tuple[str, str]:
    """The class accuracy and the loss on test images, and the mistake that explains the network.

    A mistake explains a network that does the wrong thing well, much better than what was asked.
    """
    found = losses(network, seed)
    names = ("", "little noise", "much noise", "loudness", "labels of other images")
    asked, little, much, loud, strangers = (found.pop(name) for name in names)
    _, right = measured(*drawn(network, seed))
    detail = f"right class {right:.0%}; loss on test images {asked:.2g}, "
    detail += f"{little:.2g} with little noise and {much:.2g} with much"
    best = min(found, key=found.__getitem__)
    if min(asked, found[best]) > 0.25:  # whatever it was trained for, it would do that better
        return detail, "untrained"
    if found[best] < 0.7 * asked:  # a good network does everything else a third worse
        return detail, best
    if found["no time"] < 1.05 * asked:
        return detail, "no time"
    if loud > 1:
        return detail, "variance for standard deviation"
    return detail, "labels of other images" if strangers < 1.05 * asked else ""
