"""The questions of the exercise sheet on stochastic differential equations."""

from genbook.checks import sheet

QUESTIONS = sheet("sde", "by_hand process step loss sample dial", explain=2)
