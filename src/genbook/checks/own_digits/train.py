"""Train a network on the digits."""

from genbook.checks import Question, Training, answers, torch
from genbook.checks.own_digits.judge import BOUND, build, diagnose, linear, score
from genbook.checks.own_digits.loss import QUESTION as LOSS
from genbook.checks.own_digits.loss import loss
from genbook.data import digits
from genbook.ema import EMA  # noqa: F401, for the answers


def train():
    network = build()
    optimiser = torch.optim.Adam(network.parameters(), lr=3e-3)
    decay = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, 2000)
    images, labels = digits.load("train")
    for _ in range(2000):
        batch = torch.randint(len(images), (128,))
        x0, t = images[batch], torch.randint(1, linear.T + 1, (128,))
        error = loss(network, linear, x0, labels[batch], t, torch.randn_like(x0))
        optimiser.zero_grad()
        error.backward()
        optimiser.step()
        decay.step()
    return network


mistaken = {known.name: known for known in LOSS.misconceptions}

ANSWERS = answers("""
an average of the weights in place of a falling learning rate:
    network = build()
    average = EMA(network, 0.99)
    optimiser = torch.optim.AdamW(network.parameters(), lr=3e-3, weight_decay=1e-4)
    images, labels = digits.load("train")
    for _ in range(2500):
        batch = torch.randperm(len(images))[:128]
        t, eps = torch.randint(1, 1001, (128,)), torch.randn(128, 1, 8, 8)
        error = loss(network, linear, images[batch], labels[batch], t, eps)
        optimiser.zero_grad()
        error.backward()
        optimiser.step()
        average.update()
    return average.copy_to(network)
epoch by epoch, times in strata, another rule for the learning rate:
    network, (images, labels), epochs = build(), digits.load("train"), 180
    optimiser = torch.optim.Adam(network.parameters())
    rule = torch.optim.lr_scheduler.OneCycleLR(optimiser, 4e-3, total_steps=12 * epochs)
    for _ in range(epochs):
        for batch in torch.randperm(len(images)).tensor_split(12):
            x0 = images[batch]
            t = 1 + ((torch.rand(1) + torch.arange(len(x0)) / len(x0)) % 1 * 1000).long()
            a, b = linear.rates(t, x0)
            eps = torch.randn_like(x0)
            error = torch.nn.functional.mse_loss(network(a * x0 + b * eps, t, labels[batch]), eps)
            optimiser.zero_grad()
            error.backward()
            optimiser.step()
            rule.step()
    return network
the image for the noise: error = loss( → error = mistaken["the image for the noise"].function(
    Your network predicts the image x_0. The loss asks for the noise: is your answer to question 1
    right?
variance for standard deviation:
    error = loss( → error = mistaken["variance for standard deviation"].function(
    Your network was trained on images whose noise was multiplied with 1 − ᾱ_t, its variance. The
    noise of x_t has the standard deviation √(1 − ᾱ_t).
time as a fraction: loss(network → loss(lambda x, s, y: network(x, s / linear.T, y)
    Your network was told t / T. Give it t itself, from 1 to T: samplers will call it with these.
no time: loss(network → loss(lambda x, s, y: network(x, 0 * s, y)
    Your network was not told the time. Give it the t of each image: network(x_t, t, labels).
no labels: loss(network → loss(lambda x, s, y: network(x, s, None)
    Your network was not told the classes, and so cannot draw the one that is asked for. Give it the
    labels: network(x_t, t, labels).
labels of other images: labels[batch], t → labels[torch.randint(len(images), (128,))], t
    Your network has learnt that the labels say nothing. Were they taken from the same batch as the
    images?
untrained: range(2000) → range(5)
    Your network has learnt next to nothing. Look for `optimiser.zero_grad()`, `error.backward()`,
    `optimiser.step()`, the number of steps, and whether the network that you return is the one
    whose parameters the optimiser has.
""")

TRAINING = Training(build, score, BOUND, "distance by class", diagnose=diagnose)
QUESTION = Question("own_digits.train", 6, train, answers=ANSWERS, training=TRAINING)
