"""The assignment of Part I: what its judge calls good, and what cannot be passed off as good."""

from __future__ import annotations

import pytest
import torch

from genbook import checks, evaluation
from genbook.checks.own_digits import judge
from genbook.checks.own_digits.report import report
from genbook.checks.own_digits.step import step
from genbook.data import digits

TRAIN, TEST = digits.load("train"), digits.load("test")


def of_each_class(data: digits.Digits, each: int) -> digits.Digits:
    """So many images of each class, one class after the other."""
    rows = torch.cat([(data.labels == c).nonzero()[:each, 0] for c in range(10)])
    return digits.Digits(data.images[rows], data.labels[rows])


def test_fresh_digits_are_far_within_the_bound_and_noise_is_far_outside():
    value, right = judge.measured(*TEST)
    assert round(value, 2) == 1.25  # as the sheet says
    assert right > 0.98
    noise = torch.rand(1000, *digits.SHAPE, generator=torch.Generator().manual_seed(0)) * 2 - 1
    assert judge.measured(noise, torch.arange(10).repeat(100))[0] > 100


@pytest.mark.parametrize("turn", [1, 3])
def test_good_digits_of_the_wrong_class_do_not_pass(turn):
    """A distance over all classes together would call them perfect."""
    labels = (TEST.labels + turn) % 10
    value, right = judge.measured(TEST.images, labels)
    assert value > 2 * judge.BOUND and right < 0.05
    together = evaluation.frechet(*map(evaluation.features, (TEST.images, TRAIN.images)))
    assert together < 0.3


def test_one_image_a_class_over_and_over_does_not_pass():
    """In general: 9 on average, as the sheet says. Ten images chosen for their features would."""
    several, apart = of_each_class(TRAIN, 10), []
    for i in range(10):
        x, labels = several.images[i::10], several.labels[i::10]
        value, right = judge.measured(x.repeat(50, 1, 1, 1), labels.repeat(50))
        assert right == 1
        apart.append(value)
    assert apart[0] > 1.2 * judge.BOUND
    assert 8.5 < sum(apart) / 10 < 10


def test_the_numbers_of_the_sheet_are_those_of_the_book():
    """Its own functions, on the book's features: the same as ``evaluation.frechet``."""
    features, real = evaluation.features(TEST.images), evaluation.features(TRAIN.images)
    apart = [
        evaluation.frechet(features[TEST.labels == c], real[TRAIN.labels == c]) for c in range(10)
    ]
    value, right = judge.measured(*TEST)
    assert value == pytest.approx(sum(apart) / 10, rel=1e-6)
    assert right == pytest.approx(evaluation.accuracy(TEST.images, TEST.labels))
    asked = (evaluation.frechet, features, TEST.labels, TEST.labels, real, TRAIN.labels)
    assert report(*asked)[1] == 1


class Oracle(torch.nn.Module):
    """E[eps | x_t, class] for data that are the training images themselves."""

    def forward(self, x, t, labels):
        a, b = judge.linear.rates(t)
        out = torch.empty_like(x)
        for c in labels.unique():
            known, mine = TRAIN.images[TRAIN.labels == c].flatten(1), labels == c
            at = x[mine].flatten(1)
            weights = (-(torch.cdist(at, a * known) ** 2) / (2 * b * b)).softmax(1)
            out[mine] = ((at - a * (weights @ known)) / b).reshape(-1, *digits.SHAPE)
        return out


def test_a_perfect_network_is_near_the_fresh_digits_in_ten_calls():
    """So the bound is a matter of the weights, not of the sampler that judges them."""
    value, error = judge.score(Oracle(), 1)
    assert value < 3 and error < 0.5


def test_the_judge_draws_with_the_step_and_the_loop_of_the_sheet():
    """Ten calls at the times 1000, 900, …, 100, each for all the digits."""
    seen = []

    def network(x, t, labels):
        seen.append((t, len(x), labels.bincount().tolist()))
        return torch.zeros_like(x)

    x, labels = judge.drawn(network, 0, each=3)
    assert [t for t, *_ in seen] == list(range(1000, 0, -100))
    assert {(n, tuple(counts)) for _, n, counts in seen} == {(30, (3,) * 10)}
    assert x.shape == (30, *digits.SHAPE) and x.abs().max() <= 1
    assert torch.equal(labels, torch.arange(10).repeat(3))


class Constant(torch.nn.Module):
    """Learnt nothing, and louder than silence: what forgotten zero_grad() leads to."""

    def forward(self, x, t, labels):
        return torch.full_like(x, -0.7)


def test_a_network_that_does_nothing_well_is_called_untrained():
    """It is nearer to the images than to the noise, and predicts neither."""
    losses = judge.losses(Constant(), 0)
    assert losses["the image for the noise"] < 0.7 * losses[""]
    assert judge.diagnose(Constant(), 0)[1] == "untrained"


def test_the_last_jump_returns_the_clipped_guess():
    x, eps, noise = torch.randn(3, 4, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    guess = (x - judge.linear.b(100) * eps) / judge.linear.a(100)
    for eta in (0.0, 1.0):
        done = step(judge.linear, x, eps, 100, 0, eta, noise)
        torch.testing.assert_close(done, guess.clamp(-1, 1))


def test_the_assignment_is_the_largest_of_its_part_and_climbs():
    totals = {slug: sum(q.points for q in checks.questions(slug)) for slug in checks.slugs()}
    assert totals["own_digits"] > max(totals[slug] for slug in ("ddpm", "ddim", "evaluation"))
    assert len(checks.questions("own_digits")) >= 5
