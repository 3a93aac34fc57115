"""The questions of the exercise sheet of the chapter ``sde``."""

# REPLACE: these questions, in the order of the sheet; genbook.checks says what is asked of each.

from genbook.checks import sheet
from genbook.checks.sde import by_hand, data, step, times

QUESTIONS = sheet("sde", by_hand, step, data, times, explain=2)
