"""The questions of the exercise sheet on Gaussians, KL and the evidence lower bound."""

from __future__ import annotations

from genbook.checks import Question
from genbook.checks.gaussians import bound, by_hand, denoise, fill, kl, push, score

__all__ = ["QUESTIONS"]

QUESTIONS = [
    *(part.QUESTION for part in (by_hand, push, kl, fill, score, denoise, bound)),
    Question("gaussians.explain", 2, manual=True),
]
