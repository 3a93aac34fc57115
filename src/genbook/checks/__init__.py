"""Checkers that name the mistake: one registry entry per question of the exercises.

    check("ddim.step", step)

prints ``ddim.step ✓ 2/2 points, 6 cases``, or the first case in which the answer is wrong and,
where the outputs are those of a known misconception, a sentence about it. A chapter's entries are
the list ``QUESTIONS`` in ``genbook/checks/<slug>/__init__.py``, each written in a file of its
own beside it. What makes them work is in ``genbook/checks/machinery/``.
"""

from __future__ import annotations

from genbook.checks.machinery.misconception import Misconception, mistakes
from genbook.checks.machinery.randomness import generator
from genbook.checks.machinery.registry import Case, Question, Training, question, questions, slugs
from genbook.checks.machinery.result import Result
from genbook.checks.machinery.run import check

__all__ = [
    "Case",
    "Misconception",
    "Question",
    "Result",
    "Training",
    "check",
    "generator",
    "mistakes",
    "question",
    "questions",
    "slugs",
]
