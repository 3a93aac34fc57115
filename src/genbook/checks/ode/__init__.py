"""The questions of the exercise sheet of the chapter ``ode``."""

# REPLACE: these questions, in the order of the sheet; genbook.checks says what is asked of each.

from genbook.checks import sheet
from genbook.checks.ode import by_hand, data, step, times

QUESTIONS = sheet("ode", by_hand, step, data, times, explain=2)
