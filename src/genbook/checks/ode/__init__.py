"""The questions of the exercise sheet on the probability flow and its solvers."""

from genbook.checks import sheet

QUESTIONS = sheet("ode", "by_hand velocity heun grid multistep divergence", explain=2)
