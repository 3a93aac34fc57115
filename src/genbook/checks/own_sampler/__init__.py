"""The questions of the assignment that joins sde and ode: a sampler of one's own, in ten calls."""

from genbook.checks import sheet

QUESTIONS = sheet("own_sampler", "budget grid jump guess walk compare own", explain=2)
