"""The questions of the assignment that joins ddpm, ddim and evaluation: digits of one's own."""

from genbook.checks import sheet
from genbook.checks.own_digits import distance, loss, luck, report, sample, step, train

PARTS = (loss, train, step, sample, distance, report, luck)
QUESTIONS = sheet("own_digits", *PARTS, explain=2)
