"""The landing page's figure: digits made from noise by the shipped model at build time.

A module that nobody else imports: what only draws has no business with samplers and weights.
"""

from __future__ import annotations

import torch

from genbook import ddim, weights
from genbook.plots.pictures import mosaic
from genbook.plots.scrubber import Scrubber, scrubber

STEPS = 20
ROWS = 3


def noise_to_digits() -> Scrubber:
    """A slider over the states of one DDIM run: three rows of the ten digits."""
    labels = torch.arange(10).repeat(ROWS)
    shape = (len(labels), 1, 8, 8)
    generator = torch.Generator().manual_seed(0)
    model, schedule = weights.load("digits-ddpm"), weights.schedule("digits-ddpm")
    with torch.no_grad():
        # Quadratic spacing spends its steps near the data, where pictures change most to the eye.
        states = ddim.states(
            model, schedule, shape, STEPS, cond=labels, generator=generator, spacing="quadratic"
        )
        run = list(states)
    return scrubber(
        [mosaic(x.numpy(), columns=10) for _, x in run],
        [t for t, _ in run],
        alt="three rows of the digits 0 to 9 as a trained model draws them out of noise",
        name="time t",
        start=2 * STEPS // 3,
        width=540,
    )
