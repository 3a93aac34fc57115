"""The questions of the exercise sheet on denoising diffusion probabilistic models."""

from genbook.checks import sheet
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

PARTS = (by_hand, alpha_bars, q_sample, q_posterior, ancestral_step, eps_error, design_betas, train)
QUESTIONS = sheet("ddpm", *PARTS, explain=2)
