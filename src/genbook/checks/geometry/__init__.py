"""The questions of the exercise sheet on computational geometry."""

from genbook.checks import sheet
from genbook.checks.geometry import by_hand, crossings, hull, inside, meet, ratio, turn

QUESTIONS = sheet("geometry", by_hand, turn, inside, meet, hull, crossings, ratio, explain=2)
