"""The questions of the exercise sheet on denoising diffusion implicit models."""

from __future__ import annotations

from genbook.checks import Question
from genbook.checks.ddim import by_hand, order, sample, slerp, step, timesteps

__all__ = ["QUESTIONS"]

QUESTIONS = [
    *(part.QUESTION for part in (by_hand, timesteps, step, slerp, sample, order)),
    Question("ddim.explain", 2, manual=True),
]
