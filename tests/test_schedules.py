"""Noise schedules: indexing by t, known values, agreement with diffusers, and every refusal."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from diffusers import DDIMScheduler
from hypothesis import given, settings
from hypothesis import strategies as st

from genbook.schedules import NoiseSchedule, timesteps

MAKERS = {
    "linear": NoiseSchedule.linear,
    "scaled_linear": NoiseSchedule.scaled_linear,
    "squaredcos_cap_v2": NoiseSchedule.cosine,
}


@pytest.mark.parametrize("kind", MAKERS)
@pytest.mark.parametrize("T", [1000, 50])
@pytest.mark.parametrize("rescale", [False, True])
def test_same_betas_as_diffusers(kind, T, rescale):
    ranges = {"scaled_linear": {"beta_start": 0.00085, "beta_end": 0.012}}.get(kind, {})
    peer = DDIMScheduler(T, beta_schedule=kind, rescale_betas_zero_snr=rescale, **ranges)
    ours = MAKERS[kind](T)
    if rescale:
        ours = ours.rescaled_zero_terminal_snr()
    # diffusers computes its betas in float32, and takes 1 − ᾱ_t / ᾱ_s apart there
    torch.testing.assert_close(ours.betas[1:].float(), peer.betas, rtol=1e-3, atol=3e-7)
    torch.testing.assert_close(
        ours.alpha_bars[1:].float(), peer.alphas_cumprod, rtol=1e-4, atol=1e-7
    )


def test_entry_zero_is_no_noise_and_the_index_is_t():
    schedule = NoiseSchedule([0.1, 0.2, 0.3])
    assert schedule.T == 3
    assert schedule.betas.tolist() == [0.0, 0.1, 0.2, 0.3]
    assert schedule.alphas.tolist() == [1.0, 0.9, 0.8, 0.7]
    assert schedule.alpha_bars.tolist() == pytest.approx([1.0, 0.9, 0.72, 0.504], rel=1e-15)
    assert schedule.rates(0) == (1.0, 0.0)
    assert schedule.a(2) == pytest.approx(math.sqrt(0.72), rel=1e-15)
    assert schedule.b(2) == pytest.approx(math.sqrt(0.28), rel=1e-15)
    for tensor in (schedule.betas, schedule.alphas, schedule.alpha_bars, schedule.snr):
        assert tensor.dtype == torch.float64 and tensor.shape == (4,)


def test_numbers_of_the_papers():
    linear = NoiseSchedule.linear()
    assert float(linear.betas[1]) == 1e-4 and float(linear.betas[1000]) == 0.02
    assert float(linear.alpha_bars[-1]) == pytest.approx(4.036e-5, rel=1e-3)
    # the noise of one jump over 53 steps, and that of its last step alone
    assert math.sqrt(linear.beta(1000, 947)) == pytest.approx(0.805, abs=5e-4)
    assert math.sqrt(linear.beta(1000)) == pytest.approx(0.141, abs=5e-4)
    stable_diffusion = NoiseSchedule.scaled_linear()
    assert float(stable_diffusion.betas[1]) == pytest.approx(0.00085)
    assert float(stable_diffusion.betas[-1]) == pytest.approx(0.012)
    assert stable_diffusion.a(1000) == pytest.approx(0.06826, rel=1e-3)
    cosine = NoiseSchedule.cosine()
    assert float(cosine.betas.max()) == 0.999
    half = math.cos((0.5 + 0.008) / 1.008 * math.pi / 2) / math.cos(0.008 / 1.008 * math.pi / 2)
    assert cosine.a(500) == pytest.approx(half, rel=1e-12)


def test_linear_is_not_rescaled_for_another_T():
    assert float(NoiseSchedule.linear(100).alpha_bars[-1]) == pytest.approx(0.3636, rel=1e-3)
    assert float(NoiseSchedule.linear(100, 1e-3, 0.2).alpha_bars[-1]) < 1e-4


@given(
    betas=st.lists(st.floats(1e-6, 0.999), min_size=1, max_size=30),
    data=st.data(),
)
@settings(max_examples=60, deadline=None)
def test_one_large_step_is_many_small_ones(betas, data):
    schedule = NoiseSchedule(betas)
    t = data.draw(st.integers(1, schedule.T))
    s = data.draw(st.integers(0, t - 1))
    product = math.prod(1 - beta for beta in betas[s:t])
    assert schedule.alpha(t, s) == pytest.approx(product, rel=1e-9)
    assert schedule.alpha(t, s) + schedule.beta(t, s) == pytest.approx(1, rel=1e-15)
    assert schedule.beta(t) == pytest.approx(betas[t - 1], rel=1e-9)
    a, b = schedule.rates(t)
    assert a**2 + b**2 == pytest.approx(1, rel=1e-12)
    assert schedule.a(t) < schedule.a(s) and schedule.b(t) > schedule.b(s) - 1e-15


@pytest.mark.parametrize("name", ["betas", "alphas", "alpha_bars", "a", "b", "log_snr"])
def test_integers_and_tensors_of_t_agree(name):
    schedule = NoiseSchedule.cosine(20)
    t = torch.tensor([20, 1, 7, 7, 13])
    numbers = [schedule.gather(name, int(i)) for i in t]
    assert all(type(number) is float for number in numbers)
    assert schedule.gather(name, t).tolist() == numbers
    x = torch.zeros(5, 3, 2, 2)
    like = schedule.gather(name, t.to(torch.int32), x)
    assert like.shape == (5, 1, 1, 1) and like.dtype == torch.float32
    torch.testing.assert_close(like.flatten(), torch.tensor(numbers))
    assert schedule.gather(name, np.int64(7)) == schedule.gather(name, 7)
    assert schedule.gather(name, torch.tensor(7), x).shape == (1, 1, 1, 1)


def test_small_betas_survive_float32():
    schedule = NoiseSchedule.linear()
    x, t = torch.zeros(2, 1), torch.tensor([1, 2])
    exact = [schedule.beta(1), schedule.beta(2)]
    assert schedule.beta(t, t - 1, x).flatten().tolist() == pytest.approx(exact, rel=1e-7)
    assert schedule.rates(t, x)[1].flatten().tolist() == pytest.approx(
        [schedule.b(1), schedule.b(2)], rel=1e-7
    )


def test_signal_to_noise_ratio():
    schedule = NoiseSchedule.linear()
    t = torch.arange(1, 1001)
    torch.testing.assert_close(schedule.log_snr(t), schedule.snr[1:].log(), rtol=1e-9, atol=1e-9)
    assert (schedule.snr.diff() < 0).all()
    assert schedule.log_snr(0) == math.inf
    assert schedule.rescaled_zero_terminal_snr().log_snr(1000) == -math.inf


@pytest.mark.parametrize("make", MAKERS.values())
def test_zero_terminal_snr(make):
    schedule = make(100)
    rescaled = schedule.rescaled_zero_terminal_snr()
    assert rescaled.rates(100) == (0.0, 1.0)
    assert rescaled.a(1) == pytest.approx(schedule.a(1), rel=1e-12)
    a, b = (s.alpha_bars[1:].sqrt() for s in (schedule, rescaled))
    slope = (b[0] - b[-1]) / (a[0] - a[-1])
    torch.testing.assert_close(b, (a - a[-1]) * slope, rtol=1e-9, atol=1e-12)


def test_to_keeps_the_numbers():
    schedule = NoiseSchedule.linear(10)
    assert schedule.to("cpu").betas.tolist() == schedule.betas.tolist()
    assert repr(schedule) == "NoiseSchedule(T=10, a_T=0.951)"


@pytest.mark.parametrize(
    ("betas", "message"),
    [
        ([], r"shape \(T,\) with T ≥ 1, got \(0,\)"),
        ([[0.1]], r"got \(1, 1\)"),
        (0.1, r"got \(\)"),
        ([0.1, 0.0], r"β_2 = 0.0"),
        ([0.1, 1.5], r"β_2 = 1.5"),
        ([-0.1, 0.5], r"β_1 = -0.1"),
        ([0.1, float("nan"), 0.2], r"β_2 = nan"),
        ([1e-17, 0.1], r"must show beside 1 in 1 − β, got β_1 = 1e-17"),
        ([1.0, 0.5], r"the last in \(0, 1\], got β_1 = 1.0"),
    ],
)
def test_betas_that_are_refused(betas, message):
    with pytest.raises(ValueError, match=message):
        NoiseSchedule(betas)


@pytest.mark.parametrize(
    ("T", "error", "message"),
    [
        (0, ValueError, "T must be at least 1, got 0"),
        (-3, ValueError, "T must be at least 1, got -3"),
        (2.0, TypeError, "T must be an integer, got 2.0"),
        (True, TypeError, "T must be an integer, got True"),
    ],
)
def test_numbers_of_steps_that_are_refused(T, error, message):
    for make in MAKERS.values():
        with pytest.raises(error, match=message):
            make(T)
    with pytest.raises(error, match=message):
        timesteps(T, 1)


@pytest.mark.parametrize(
    ("t", "error", "message"),
    [
        (11, ValueError, r"in 0..10, got 11"),
        (-1, ValueError, r"in 0..10, got -1"),
        (3.0, TypeError, r"integers or an integer tensor, got 3.0"),
        (True, TypeError, r"got True"),
        ("3", TypeError, r"got '3'"),
        (torch.tensor([1.0]), TypeError, r"got torch.float32"),
        (torch.tensor([True]), TypeError, r"got torch.bool"),
        (torch.tensor([1, 11]), ValueError, r"in 0..10, got 1..11"),
        (torch.tensor([-1, 3]), ValueError, r"in 0..10, got -1..3"),
        (torch.tensor([1, 2]), ValueError, r"must have shape \(3,\).* got \(2,\)"),
        (torch.tensor([[1], [2], [3]]), ValueError, r"got \(3, 1\)"),
    ],
)
def test_times_that_are_refused(t, error, message):
    schedule = NoiseSchedule.linear(10)
    with pytest.raises(error, match=message):
        schedule.a(t, torch.zeros(3, 2))
    with pytest.raises(error, match=message):
        schedule.rates(t, torch.zeros(3, 2))


def test_a_step_must_lead_down():
    schedule = NoiseSchedule.linear(10)
    for s, t in [(5, 5), (6, 5), (torch.tensor([1, 3]), torch.tensor([2, 3]))]:
        with pytest.raises(ValueError, match="s must be below t"):
            schedule.alpha(t, s)
    with pytest.raises(ValueError, match=r"in 0..10, got -1"):
        schedule.beta(0)
    with pytest.raises(ValueError, match="T ≥ 2"):
        NoiseSchedule([0.5]).rescaled_zero_terminal_snr()
