"""The questions of the exercise sheet on computational geometry."""

from genbook.checks import sheet

QUESTIONS = sheet("geometry", "by_hand turn inside meet hull crossings ratio", explain=2)
