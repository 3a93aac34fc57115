"""Checkers that name the mistake: one registry entry per question of the exercises.

    check("ddim.step", step)

prints ``ddim.step ✓ 2/2 points, 6 cases``, or the first case in which the answer is wrong and,
where the outputs are those of a known misconception, a sentence about it. A chapter's entries are
the list ``QUESTIONS`` in ``genbook/checks/<slug>.py``.
"""

from genbook.checks.registry import (
    Case,
    Misconception,
    Question,
    Training,
    question,
    questions,
    slugs,
)
from genbook.checks.result import Result
from genbook.checks.run import check

__all__ = [
    "Case",
    "Misconception",
    "Question",
    "Result",
    "Training",
    "check",
    "question",
    "questions",
    "slugs",
]
