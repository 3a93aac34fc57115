"""The questions of the exercise sheet on consistency models and flow maps."""

from genbook.checks import sheet
from genbook.checks.consistency import by_hand, jump, mean_flow, renoise, shortcut, target

QUESTIONS = sheet("consistency", by_hand, jump, shortcut, mean_flow, renoise, target, explain=2)
