"""Training: one loop for every network of the book, live in a notebook or from the command line.

    python -m genbook.training --list
    python -m genbook.training digits-ddpm --out runs/digits-ddpm --resume

Whatever is random in step k is drawn from a generator seeded with (seed, k): the order of the data,
the times, the noise. Nothing else has to be remembered, so a run that was killed goes on bit for
bit on the same machine.

The loop takes any network, loss and data. The recipes of the book's own networks
(:mod:`genbook.recipes`) stand above it, and the command line above both.
"""

from __future__ import annotations

from genbook.training.draws import generator, rows
from genbook.training.loop import train
from genbook.training.trainer import Diverged, Trainer, learning_rate

__all__ = ["Diverged", "Trainer", "generator", "learning_rate", "rows", "train"]
