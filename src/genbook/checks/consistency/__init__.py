"""The questions of the exercise sheet on consistency models and flow maps."""

from genbook.checks import sheet

QUESTIONS = sheet("consistency", "by_hand jump shortcut mean_flow renoise target", explain=2)
