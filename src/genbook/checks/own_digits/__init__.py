"""The questions of the assignment that joins ddpm, ddim and evaluation: digits of one's own."""

from genbook.checks import sheet

QUESTIONS = sheet("own_digits", "loss train step sample distance report luck", explain=2)
