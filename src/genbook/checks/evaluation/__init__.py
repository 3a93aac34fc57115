"""The questions of the exercise sheet on evaluation."""

from genbook.checks import sheet
from genbook.checks.evaluation import by_hand, density_coverage, frechet, mmd, p_value, without_bias

PARTS = (by_hand, mmd, frechet, density_coverage, p_value, without_bias)
QUESTIONS = sheet("evaluation", *PARTS, explain=2)
