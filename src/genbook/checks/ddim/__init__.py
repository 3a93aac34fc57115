"""The questions of the exercise sheet on denoising diffusion implicit models."""

from genbook.checks import sheet

QUESTIONS = sheet("ddim", "by_hand timesteps step slerp sample order", explain=2)
