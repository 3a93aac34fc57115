"""The landing page's film: digits made from noise by the shipped network, in one small picture.

A module that nobody else imports: what only draws has no business with samplers and weights.
"""

from __future__ import annotations

import io

import numpy as np
import torch
from PIL import Image

from genbook import ddim, weights

__all__ = ["COLUMNS", "FRAMES", "ROWS", "frames", "sprite"]

COLUMNS, ROWS = 10, 3
STEPS = 20
FRAMES = STEPS + 1
_GREYS = 15  # and one transparent colour for the gaps: four bits a pixel


def frames() -> np.ndarray:
    """All states of one DDIM run, from noise to digits: (FRAMES, ROWS, COLUMNS, 8, 8) in [−1, 1].

    The digits 0 to 9 stand in the columns.
    """
    labels = torch.arange(COLUMNS).repeat(ROWS)
    generator = torch.Generator().manual_seed(0)
    model, schedule = weights.load("digits-ddpm"), weights.schedule("digits-ddpm")
    with torch.no_grad():
        # Quadratic spacing spends its steps near the data, where pictures change most to the eye.
        run = ddim.states(
            model,
            schedule,
            (len(labels), 1, 8, 8),
            STEPS,
            cond=labels,
            generator=generator,
            spacing="quadratic",
        )
        states = np.stack([x.numpy() for _, x in run])
    return states.clip(-1, 1).reshape(FRAMES, ROWS, COLUMNS, 8, 8)


def sprite() -> bytes:
    """The frames below each other as a PNG; a transparent line of pixels follows each digit."""
    steps = np.rint((frames() + 1) / 2 * (_GREYS - 1)).astype(np.uint8)
    padded = np.full((*steps.shape[:3], 9, 9), _GREYS, np.uint8)
    padded[..., :8, :8] = steps
    sheet = padded.transpose(0, 1, 3, 2, 4).reshape(FRAMES * ROWS * 9, COLUMNS * 9)
    picture = Image.fromarray(sheet).convert("P")
    picture.putpalette(
        [round(255 * grey / (_GREYS - 1)) for grey in range(_GREYS) for _ in "rgb"] + [0, 0, 0]
    )
    buffer = io.BytesIO()
    picture.save(buffer, "PNG", optimize=True, bits=4, transparency=_GREYS)
    return buffer.getvalue()
