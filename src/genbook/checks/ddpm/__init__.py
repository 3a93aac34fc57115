"""The questions of the exercise sheet on denoising diffusion probabilistic models."""

from __future__ import annotations

from genbook.checks import Question
from genbook.checks.ddpm import (
    alpha_bars,
    ancestral_step,
    by_hand,
    design_betas,
    eps_error,
    q_posterior,
    q_sample,
    train,
)

__all__ = ["QUESTIONS"]

_PARTS = (
    by_hand,
    alpha_bars,
    q_sample,
    q_posterior,
    ancestral_step,
    eps_error,
    design_betas,
    train,
)

QUESTIONS = [*(part.QUESTION for part in _PARTS), Question("ddpm.explain", 2, manual=True)]
