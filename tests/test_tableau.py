"""The table of a sampler: read off, run, and refused where there is none."""

from __future__ import annotations

import copy
import threading
from itertools import pairwise

import pytest
import torch

from genbook import ddim, ode, weights
from genbook.data import digits
from genbook.denoiser import Denoiser
from genbook.sampling import last, states
from genbook.schedules import NoiseSchedule

CHAIN = NoiseSchedule.linear(1000)
EVEN = list(range(1000, -1, -100))


def data(x, t):
    """Some network: what it sees is no line in x."""
    return torch.tanh(x / (1 + t / 300)) + t / 1000


def by_step(step, times, x, denoise):
    denoiser = Denoiser(lambda x, t, cond: denoise(x, int(t[0])), CHAIN, "x0")
    return last(states(step, denoiser, x, times))


STEPS = {
    "DDIM": (lambda: ddim.jump, EVEN, 10),
    "2M": (lambda: ode.Multistep(), ode.edm_times(CHAIN, 10, sigma_min=0.1), 10),
    "Heun": (lambda: ode.heun, CHAIN.times(5, "linear"), 9),
    "exponential": (lambda: ode.exponential, CHAIN.times(5, "quadratic"), 9),
}


@pytest.mark.parametrize("name", STEPS)
def test_the_table_of_a_step_of_the_book_draws_what_the_step_draws(name):
    make, times, calls = STEPS[name]
    table = ode.tableau(lambda denoise, x, noises: by_step(make(), times, x, denoise))
    assert (table.times > 0).sum() == calls
    g = torch.Generator().manual_seed(0)
    x, *noises = torch.randn(11, 4, 1, 8, 8, generator=g, dtype=torch.float64)
    direct = by_step(make(), times, x, data)
    torch.testing.assert_close(table(data, x, noises), direct, rtol=1e-8, atol=1e-8)


def noisy(denoise, x, noises, eta=0.8):
    """Fresh noise in every jump."""
    for i, (t, s) in enumerate(pairwise(EVEN)):
        (a, b), (c, d) = CHAIN.rates(t), CHAIN.rates(s)
        guess = denoise(x, t)
        sigma = eta * d / b * (1 - (a / c) ** 2) ** 0.5
        x = c * guess + (d**2 - sigma**2) ** 0.5 * (x - a * guess) / b + sigma * noises[i]
    return x


def test_fresh_noises_are_in_the_table_too():
    table = ode.tableau(noisy)
    g = torch.Generator().manual_seed(0)
    x, *noises = torch.randn(11, 4, 1, 8, 8, generator=g, dtype=torch.float64)
    torch.testing.assert_close(table(data, x, noises), noisy(data, x, noises))
    assert (table.rows[9, 11:20] != 0).all() and not table.rows[:, 20].any()


def test_the_states_of_a_table_are_what_the_times_say():
    """If every answer were the data, then at t there is a_t of it, and noise of b_t."""
    table = ode.tableau(noisy)
    rates = torch.tensor([CHAIN.rates(round(t)) for t in table.times.tolist()]).double()
    start = table.rows[:-1, 0] * rates[0, 0]
    signal = start + table.rows[:-1, 1:11].sum(1)
    noise = (table.rows[:-1, 0] * rates[0, 1]).square() + table.rows[:-1, 11:].square().sum(1)
    torch.testing.assert_close(signal, rates[:, 0], rtol=1e-5, atol=1e-6)
    torch.testing.assert_close(noise.sqrt(), rates[:, 1], rtol=1e-5, atol=1e-6)


def test_a_new_table_asks_nothing_and_returns_its_noise():
    def never(x, t):
        raise AssertionError

    x = torch.randn(2, 1, 3, 3, generator=torch.Generator().manual_seed(0))
    assert torch.equal(ode.Tableau(4)(never, x, [x] * 4), x)


def eleven(denoise, x, noises):
    for t in range(1000, 890, -10):
        x = denoise(x, t)
    return x


def of_a_copy(denoise, x, noises):
    other = copy.deepcopy(denoise)
    for t in range(1000, 890, -10):
        x = (other if t % 20 else denoise)(x, t)
    return x


def in_a_thread(denoise, x, noises):
    found, told = [], []

    def ask():
        try:
            for t in range(1000, 890, -10):
                found.append(denoise(x, t))
        except RuntimeError as error:
            told.append(error)

    thread = threading.Thread(target=ask)
    thread.start()
    thread.join()
    return sum(found) if not told else denoise(x, 1)


@pytest.mark.parametrize("sampler", [eleven, of_a_copy, in_a_thread])
def test_the_call_too_many_is_refused_whoever_makes_it(sampler):
    with pytest.raises(RuntimeError, match="call 11: the budget is 10 calls"):
        ode.tableau(sampler)


def with_the_networks_own(denoise, x, noises):
    """Calls that are not counted: the network itself. It has unit vectors to look at."""
    own = Denoiser(weights.load("digits-ddpm"), CHAIN)
    images = x.expand(-1, 1, 8, 8).float()
    seen = own(images, 500, torch.zeros(len(images), dtype=torch.int64)).x0
    return denoise(x, 1000) + seen.mean((1, 2, 3), keepdim=True)[: len(x), :, : x.shape[2]]


def images_by_heart(denoise, x, noises):
    known = digits.load("train").images
    return known[: len(x), :, : x.shape[2], : x.shape[3]]


NO_TABLE = {
    "clipped": lambda denoise, x, noises: denoise(x, 1000).clamp(-0.5, 0.5),
    "a product": lambda denoise, x, noises: denoise(x, 1000) * x,
    "dice": lambda denoise, x, noises: denoise(x, 1000) + torch.randn_like(x),
    "a constant": lambda denoise, x, noises: denoise(x, 1000) + 0.1,
    "times of the state": lambda denoise, x, noises: denoise(x, 400 + int(5 * x.abs().sum())),
    "known images": images_by_heart,
}


@pytest.mark.parametrize("name", NO_TABLE)
def test_what_is_no_sum_has_no_table(name):
    with pytest.raises(ValueError, match="your sampler has no table"):
        ode.tableau(NO_TABLE[name])


def test_the_network_itself_cannot_be_asked_behind_the_budget():
    """Only sums come into the table, and what a network makes of unit vectors is none."""
    with pytest.raises((ValueError, RuntimeError)):
        ode.tableau(with_the_networks_own)


WRONG = {
    "whole times t ≥ 1, not at 0": lambda denoise, x, noises: denoise(x, 0),
    "whole times t ≥ 1, not at 2.5": lambda denoise, x, noises: denoise(x, 2.5),
    "whole times t ≥ 1, not at nan": lambda denoise, x, noises: denoise(x, float("nan")),
    "the state of call 1 must be a tensor": lambda denoise, x, noises: denoise(None, 5),
    "the result must be a tensor of the shape of x, not NoneType": lambda *a: None,
    "not (21, 1)": lambda denoise, x, noises: x[:, 0, 0],
    "the result has complex numbers": lambda denoise, x, noises: x * (-1) ** 0.5,
    "the result has NaN": lambda denoise, x, noises: x / 0,
}


@pytest.mark.parametrize("message", WRONG)
def test_what_is_wrong_with_a_sampler_is_said(message):
    with pytest.raises(ValueError) as caught:
        ode.tableau(WRONG[message])
    assert message in str(caught.value)


def test_a_budget_of_another_size():
    table = ode.tableau(lambda denoise, x, noises: denoise(x, 7), calls=2)
    assert table.times.tolist() == [7, 0] and table.rows.shape == (3, 5)
    with pytest.raises(RuntimeError, match="call 3"):
        ode.tableau(eleven, calls=2)


def test_an_answer_that_is_yet_to_come_counts_for_nothing():
    table = ode.tableau(noisy)
    x, *noises = torch.randn(11, 2, 1, 2, 2, generator=torch.Generator().manual_seed(0))
    before = table(data, x, noises)
    table.rows[3, 1 + 5] = 4.0  # the fourth call would know the sixth answer
    assert torch.equal(table(data, x, noises), before)
