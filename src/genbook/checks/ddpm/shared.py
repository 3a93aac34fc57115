"""What the cases of several questions are made of."""

from genbook.checks import generator, torch
from genbook.schedules import NoiseSchedule


def schedules(seed: int) -> list[NoiseSchedule]:
    """Three short schedules: two that are known by name, one drawn at random."""
    betas = 0.02 + 0.4 * torch.rand(7, generator=generator(seed))
    return [NoiseSchedule.linear(20, 1e-3, 0.3), NoiseSchedule.cosine(10), NoiseSchedule(betas)]
