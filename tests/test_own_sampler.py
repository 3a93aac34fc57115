"""The assignment of Part II: what its judge calls good, and that nobody gets an eleventh call."""

from __future__ import annotations

import math

import pytest
import torch

from genbook import checks, ddim, evaluation, ode
from genbook.checks.machinery.trained import export, judge_weights, verdict
from genbook.checks.own_sampler import judge
from genbook.checks.own_sampler.own import own
from genbook.data import digits
from genbook.sampling import last, states

QUESTION = checks.question("own_sampler.own")
FEW = 20  # digits: enough to see that two ways of drawing agree


@pytest.fixture
def small(monkeypatch):
    """A judge that draws twice twenty digits, for what does not depend on how good they are."""
    monkeypatch.setattr(judge, "LABELS", torch.arange(10).repeat(FEW // 10))
    monkeypatch.setattr(judge, "DRAWS", 2)
    judge.of_ddim.cache_clear()
    yield
    judge.of_ddim.cache_clear()


def of(table):
    """The verdict of a grader on a table that says of itself what it likes."""
    with torch.no_grad():
        return judge_weights(QUESTION, export(table), 5)


def test_the_baseline_is_ddim_of_the_book(small):
    x, *rest = judge.noises(3)[0]
    table = ode.tableau(judge.ddim)
    asked = judge.network()
    with torch.no_grad():
        mine = table(judge.denoise, x, rest)
        books = last(states(ddim.jump, asked, x, list(judge.EVEN), judge.LABELS))
    torch.testing.assert_close(mine, books, rtol=1e-3, atol=1e-3)


def test_the_baseline_is_at_one_and_without_error(small):
    with torch.no_grad():
        value, error = judge.score(ode.tableau(judge.ddim), 4)
    assert value == pytest.approx(1, abs=1e-9) and error == pytest.approx(0, abs=1e-9)


def test_a_table_makes_ten_calls_at_most_whatever_it_says(small, monkeypatch):
    asked = []
    honest = judge.denoise
    monkeypatch.setattr(judge, "denoise", lambda x, t: asked.append(t) or honest(x, t))
    table = own()
    with torch.no_grad():
        judge.distance(table, judge.noises(0)[0])
    assert asked == [round(t) for t in table.times.tolist()] and len(asked) == 10


def changed(**parts):
    table = own()
    for name, (place, number) in parts.items():
        getattr(table, name)[place] = number
    return table


FORGED = {
    "a time beyond the end": changed(times=(0, 4000.0)),
    "a time below zero": changed(times=(4, -3.0)),
    "half a time": changed(times=(4, 0.4)),
    "coefficients beyond all size": changed(rows=((slice(1, None), 3), 1e300)),
    "only zeros": changed(rows=(slice(None), 0.0)),
    "two calls": changed(times=(slice(2, None), 0.0)),
    "one call": changed(times=(slice(1, None), 0.0)),
    "nothing": ode.Tableau(10),
}


@pytest.mark.parametrize("name", FORGED)
def test_a_forged_table_has_no_points_and_breaks_nothing(small, name):
    result = of(FORGED[name])
    assert result.points == 0 and result.message


@pytest.mark.parametrize("calls", [9, 11, 20])
def test_a_table_of_another_size_is_refused(calls):
    result = of(ode.Tableau(calls))
    assert result.points == 0 and "should have shape" in result.message


def test_infinite_numbers_are_refused():
    result = verdict(QUESTION, changed(rows=((4, 0), math.inf)))[0]
    assert result.points == 0 and "NaN or infinite" in result.message


@pytest.mark.parametrize("m", QUESTION.misconceptions, ids=lambda m: m.name)
def test_a_known_mistake_is_seen_in_the_table(m):
    assert judge.diagnose(m.function(), 0)[1] == m.name


@pytest.mark.parametrize("answer", [QUESTION.reference, *QUESTION.alternatives])
def test_no_mistake_is_seen_in_a_right_table(answer):
    detail, name = judge.diagnose(answer(), 0)
    assert name == "" and detail.startswith("calls at t = 1000, ")


def test_more_than_ten_calls_are_told_to_the_student():
    def greedy():
        def sampler(denoise, x, noises):
            for t in range(1000, 0, -50):
                x = denoise(x, t)
            return x

        return ode.tableau(sampler)

    result = verdict(QUESTION, greedy)[0]
    assert result.points == 0 and "call 11: the budget is 10 calls" in result.message


@pytest.mark.slow
def test_joined_it_passes_with_room_and_ddim_does_not_come_near():
    with torch.no_grad():
        value, error = judge.score(own(), 1)
    assert value < judge.BOUND - 2 * error
    assert judge_weights(QUESTION, export(ode.tableau(judge.ddim)), 1).points == 0


@pytest.mark.slow
def test_images_known_by_heart_would_be_good_so_they_must_not_come_in():
    """A thousand training images are far within the bound: that is what a table keeps out."""
    train = digits.load("train")
    rows = torch.cat([(train.labels == c).nonzero()[:100, 0] for c in range(10)])
    known = evaluation.frechet(evaluation.features(train.images[rows]), judge.real())
    assert known < 0.5 * judge.BOUND * sum(judge.of_ddim(1)) / judge.DRAWS


def test_the_assignment_is_the_largest_of_its_part_and_climbs():
    totals = {slug: sum(q.points for q in checks.questions(slug)) for slug in checks.slugs()}
    assert totals["own_sampler"] > max(totals[slug] for slug in ("sde", "ode"))
    assert len(checks.questions("own_sampler")) >= 6
    assert QUESTION.points == max(q.points for q in checks.questions("own_sampler"))
