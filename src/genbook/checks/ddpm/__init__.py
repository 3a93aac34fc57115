"""The questions of the exercise sheet on denoising diffusion probabilistic models."""

from genbook.checks import sheet

PARTS = "by_hand alpha_bars q_sample q_posterior ancestral_step eps_error design_betas train"
QUESTIONS = sheet("ddpm", PARTS, explain=2)
