"""The questions of the exercise sheet on evaluation."""

from __future__ import annotations

from genbook.checks import Question
from genbook.checks.evaluation import by_hand, density_coverage, frechet, mmd, p_value, without_bias

__all__ = ["QUESTIONS"]

QUESTIONS = [
    *(part.QUESTION for part in (by_hand, mmd, frechet, density_coverage, p_value, without_bias)),
    Question("evaluation.explain", 2, manual=True),
]
