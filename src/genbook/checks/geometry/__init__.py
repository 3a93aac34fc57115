"""The questions of the exercise sheet on computational geometry."""

from __future__ import annotations

from genbook.checks import Question
from genbook.checks.geometry import by_hand, crossings, hull, inside, meet, ratio, turn

__all__ = ["QUESTIONS"]

QUESTIONS = [
    *(part.QUESTION for part in (by_hand, turn, inside, meet, hull, crossings, ratio)),
    Question("geometry.explain", 2, manual=True),
]
