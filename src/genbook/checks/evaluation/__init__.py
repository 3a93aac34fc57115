"""The questions of the exercise sheet on evaluation."""

from genbook.checks import sheet

PARTS = "by_hand mmd frechet density_coverage p_value without_bias"
QUESTIONS = sheet("evaluation", PARTS, explain=2)
