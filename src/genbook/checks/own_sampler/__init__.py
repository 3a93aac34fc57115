"""The questions of the assignment that joins sde and ode: a sampler of one's own, in ten calls."""

from genbook.checks import sheet
from genbook.checks.own_sampler import budget, compare, grid, guess, jump, own, walk

PARTS = (budget, grid, jump, guess, walk, compare, own)
QUESTIONS = sheet("own_sampler", *PARTS, explain=2)
