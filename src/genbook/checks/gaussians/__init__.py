"""The questions of the exercise sheet on Gaussians, KL and the evidence lower bound."""

from genbook.checks import sheet

QUESTIONS = sheet("gaussians", "by_hand push kl fill score denoise bound", explain=2)
