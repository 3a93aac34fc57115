"""The questions of the exercise sheet on stochastic differential equations."""

from genbook.checks import sheet
from genbook.checks.sde import by_hand, dial, loss, process, sample, step

QUESTIONS = sheet("sde", by_hand, process, step, loss, sample, dial, explain=2)
