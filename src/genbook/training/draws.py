"""What is random in a run, as functions of the seed and the step alone."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

__all__ = ["generator", "rows"]


def generator(*seeds: int) -> torch.Generator:
    """A generator that depends on all the numbers, and differs when any of them does."""
    # The seeds are hashed to 32 bits, because torch's CPU generator looks at no more.
    mixed = int(np.random.SeedSequence(seeds).generate_state(1)[0])
    return torch.Generator().manual_seed(mixed)


def rows(seed: int, step: int, batch: int, size: int) -> Tensor:
    """Indices ``(batch,)`` of the data in step ``step``: one shuffled pass over all ``size`` after
    another.
    """
    first, last = step * batch, (step + 1) * batch
    epochs = range(first // size, (last - 1) // size + 1)
    order = torch.cat([torch.randperm(size, generator=generator(seed, 0, e)) for e in epochs])
    start = first - epochs[0] * size
    return order[start : start + batch]
